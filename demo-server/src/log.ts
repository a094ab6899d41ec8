import { type DestinationStream, pino } from 'pino';
import type { Settings } from './settings.ts';

/** Where the server's parts write what happened. */
export interface Log {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** Says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Members whose values are secrets or may contain one. The server never logs them anyway; this is
 * for the day that somebody logs a whole request.
 */
const SECRET_MEMBERS = ['token', 'jwt', 'authorization', 'headers', 'url', 'originalUrl', 'query'];

/** Structured logs, one JSON object a line, to `destination` (standard error unless given). */
export function createLog(
  level: Settings['logLevel'],
  destination: DestinationStream = pino.destination(2),
): Log {
  return pino(
    {
      level,
      serializers: { error: describeError },
      redact: SECRET_MEMBERS.flatMap((member) => [member, `*.${member}`, `*.*.${member}`]),
    },
    destination,
  );
}

/**
 * What of an error is safe to log: its message is not, as many quote what they were given
 * (`JSON.parse` the frame, `URL` the address), and neither are the members libraries add.
 */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  return {
    type: error.name,
    code: (error as NodeJS.ErrnoException).code,
    stack: error.stack?.replace(error.message, '').match(/^ {4}at .*$/gm),
  };
}
