import type { ErrorCode, Failure, Stage } from './errors.ts';

/** What is known of a failure beside the stage that it came in. */
export type Facts = Omit<Failure, 'stage'>;

/** By what the server says, else by the stage. */
const meanings: { readonly [closeCodeOrStage: number | string]: ErrorCode } = {
  1012: 'server-busy',
  1013: 'server-busy',
  4400: 'protocol-error',
  4401: 'unauthorized',
  4403: 'forbidden',
  4408: 'init-timeout',
  4429: 'server-busy',
  init: 'init-dropped',
  ready: 'connection-lost',
};

/** What the end of a connection means in the stage in which it came. */
export function closeFacts(stage: Stage, closeCode: number, reason: string): Facts {
  const code = meanings[closeCode] ?? meanings[stage] ?? 'connect-failed';
  const hint = code === 'server-busy' && /retry-after=(\d+)/.exec(reason);
  return { code, closeCode, retryAfter: hint ? Number(hint[1]) : undefined };
}

/**
 * What it means that a function of the app threw: a `Response`, or anything with `status` and
 * `retryAfter`. It may be anything at all, and reading it may throw in its turn.
 */
export function appFacts(code: ErrorCode, cause: any): Facts {
  try {
    const { status, retryAfter, headers } = cause ?? {};
    return {
      code: status === 401 || status === 403 ? 'unauthorized' : code,
      status: typeof status === 'number' ? status : undefined,
      retryAfter:
        typeof retryAfter === 'number' && retryAfter >= 0
          ? retryAfter
          : headerDelay(headers?.get?.('retry-after')),
      cause,
    };
  } catch {
    return { code, cause };
  }
}

/** A `Retry-After` header in ms: seconds or a date (RFC 9110 section 10.2.3). */
export function headerDelay(header: any): number | undefined {
  const ms = /^[\d.]+$/.test(header) ? header * 1000 : Date.parse(header) - Date.now();
  return ms >= 0 ? ms : undefined;
}
