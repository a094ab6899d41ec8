import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { failure, retryAfterSeconds } from './envelope.ts';
import type { Environment } from './environment.ts';
import type { Places } from './limits.ts';
import type { Log } from './log.ts';
import type { Origins } from './origins.ts';
import type { TokenStore } from './tokens.ts';

/** Path of the WebSocket endpoint. */
export const SOCKET_PATH = '/demo';

/** What the gate asks before it lets an upgrade through. */
export interface GateOptions {
  readonly environment: Environment;
  readonly log: Log;
  /** Asked once the server listens: its own origins depend on the port. */
  readonly origins: () => Origins;
  readonly tokens: TokenStore;
  /** Places for connections that have not authenticated yet. */
  readonly places: Places;
  /** Whether the server is stopping. */
  readonly draining: () => boolean;
}

/** An upgrade that may go on. */
export interface Admitted {
  /** The user its token was minted for. */
  readonly user: string;
  /** Gives the place back that an unauthenticated connection takes. Happens at its end at last. */
  readonly leave: () => void;
}

/** An HTTP answer instead of a WebSocket. */
export interface Refusal {
  readonly status: 401 | 403 | 404 | 503;
  readonly message: string;
  readonly retryAfter?: number;
}

/** Judges an upgrade request. Never rejects. */
export type Gate = (request: IncomingMessage, socket: Duplex) => Promise<Admitted | Refusal>;

/** The one answer to every kind of bad token: which kind it was would help only an attacker. */
export const UNAUTHORIZED: Refusal = { status: 401, message: 'Unauthorized' };

/** When to try again while the server is full or its store is down: spread over this many ms. */
const BUSY = { least: 1000, spread: 4000 };

/**
 * The gate before every WebSocket, in the order of PROTOCOL.md section 4: path, origin, room, and
 * only then the token, which is spent by the asking.
 */
export function createGate(options: GateOptions): Gate {
  const { environment, log, origins, tokens, places, draining } = options;

  const busy = (message: string): Refusal => ({
    status: 503,
    message,
    retryAfter: Math.round(BUSY.least + environment.random() * BUSY.spread),
  });

  return async (request, socket) => {
    const target = readTarget(request.url ?? '');
    if (target.path !== SOCKET_PATH) return { status: 404, message: 'Not found' };
    if (!origins().admits(request.headers.origin)) {
      return { status: 403, message: 'Origin not allowed' };
    }
    if (draining()) return busy('The server is stopping');

    const leave = places.enter();
    if (leave === undefined) return busy('Too many connections wait for their first frame');
    socket.once('close', leave);

    const token = theToken(target.query, request.headers['sec-websocket-protocol']);
    let user: string | undefined;
    try {
      user = token === undefined ? undefined : await tokens.take(token);
    } catch (error) {
      log.error({ error }, 'the token store failed at an upgrade');
      leave();
      return busy('Tokens cannot be checked at the moment');
    }
    if (user !== undefined) return { user, leave };
    leave();
    return UNAUTHORIZED;
  };
}

/** Answers a refused upgrade, byte for byte the same for the same refusal, and ends it. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal, environment: Environment): void {
  const { status, message, retryAfter } = refusal;
  const body = JSON.stringify(failure(message, retryAfter));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Date: ${new Date(environment.now()).toUTCString()}`,
    'Connection: close',
    'Cache-Control: no-store',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  // RFC 9110, section 11.6.1: a 401 names a way to authenticate.
  if (status === 401) head.push('WWW-Authenticate: Bearer');
  if (retryAfter !== undefined) head.push(`Retry-After: ${retryAfterSeconds(retryAfter)}`);
  // The client may keep its side open as long as it likes; ours is done once this is written.
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function readTarget(url: string): { path: string; query: URLSearchParams } {
  const mark = url.indexOf('?');
  return mark === -1
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}

/** Tokens are base64url; anything else is malformed and never reaches a store. */
const TOKEN_SHAPE = /^[\w-]{1,256}$/;
const TOKEN_ENTRY = 'token.';

/** The token of a request, if there is exactly one, in either place, and it looks like one. */
function theToken(query: URLSearchParams, protocols: string | undefined): string | undefined {
  const entries = (protocols ?? '').split(',').map((entry) => entry.trim());
  const found = [
    ...query.getAll('token'),
    ...entries
      .filter((entry) => entry.startsWith(TOKEN_ENTRY))
      .map((entry) => entry.slice(TOKEN_ENTRY.length)),
  ];
  const [token] = found;
  return found.length === 1 && token !== undefined && TOKEN_SHAPE.test(token) ? token : undefined;
}
