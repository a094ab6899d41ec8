import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { busyFor } from './come-back.ts';
import { failure, retryAfterSeconds } from './envelope.ts';
import { type Environment, systemEnvironment } from './environment.ts';
import { createPlaces, type Places } from './limits.ts';
import { type Log, silentLog } from './log.ts';
import { type Metrics, noMetrics } from './metrics.ts';
import { type GivenOrigins, originsOf } from './origins.ts';
import type { TokenStore } from './tokens.ts';

/** Path of the WebSocket endpoint. */
export const SOCKET_PATH = '/demo';

/** What the gate asks before it lets an upgrade through. */
export interface TokenGateOptions {
  readonly tokens: TokenStore;
  /** The origins whose pages may connect, like `https://app.example`. */
  readonly origins: GivenOrigins;
  /** Path of the WebSocket endpoint. Default {@link SOCKET_PATH}. */
  readonly path?: string;
  /** Places for connections that have not authenticated yet. Default 1000. */
  readonly places?: Places;
  /** Whether the server is stopping. Default: never. */
  readonly draining?: () => boolean;
  /** Clocks and randomness. Default: the real ones. */
  readonly environment?: Environment;
  /** Default: silence. */
  readonly log?: Log;
  /** Default: nothing is counted. */
  readonly metrics?: Metrics;
}

/** An upgrade that may go on. */
export interface Admitted {
  /** The user its token was minted for. */
  readonly user: string;
  /** The network connection that is to become a WebSocket. */
  readonly socket: Duplex;
  /** Gives the place back that an unauthenticated connection takes. Happens at its end at last. */
  readonly leave: () => void;
}

/** An HTTP answer instead of a WebSocket. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 426 | 503;
  readonly message: string;
  readonly retryAfter?: number;
}

/**
 * Judges an upgrade request, for the `upgrade` event of an HTTP server. Answers `undefined` when
 * it was refused: then the refusal has been sent, and the socket is none of the caller's business
 * any more. Never rejects.
 */
export type TokenGate = (request: IncomingMessage, socket: Duplex) => Promise<Admitted | undefined>;

/** The one answer to every kind of bad token: which kind it was would help only an attacker. */
export const UNAUTHORIZED: Refusal = { status: 401, message: 'Unauthorized' };

/** `MAX_UNAUTHENTICATED` where nobody says otherwise. */
const MAX_UNAUTHENTICATED = 1000;

/**
 * The gate before every WebSocket, in the order of PROTOCOL.md section 4: path, origin, room, the
 * handshake itself, and only then the token, which is spent by the asking.
 */
export function createTokenGate(options: TokenGateOptions): TokenGate {
  const {
    tokens,
    path = SOCKET_PATH,
    places = createPlaces(MAX_UNAUTHENTICATED),
    draining = () => false,
    environment = systemEnvironment,
    log = silentLog,
    metrics = noMetrics,
  } = options;
  const origins = originsOf(options.origins);

  const busy = (message: string): Refusal => ({
    status: 503,
    message,
    retryAfter: busyFor(environment),
  });

  async function judge(request: IncomingMessage, socket: Duplex): Promise<Admitted | Refusal> {
    const target = readTarget(request.url ?? '');
    if (target.path !== path) return { status: 404, message: 'Not found' };
    if (!origins().admits(request.headers.origin)) {
      return { status: 403, message: 'Origin not allowed' };
    }
    if (draining()) return busy('The server is stopping');
    const leave = places.enter();
    if (leave === undefined) return busy('Too many connections wait for their first frame');
    socket.once('close', leave);

    const malformed = malformedHandshake(request);
    if (malformed !== undefined) {
      leave();
      return malformed;
    }

    const token = theToken(target.query, request.headers['sec-websocket-protocol']);
    let user: string | undefined;
    try {
      user = token === undefined ? undefined : await tokens.take(token);
    } catch (error) {
      log.error({ error }, 'the token store failed at an upgrade');
      leave();
      return busy('Tokens cannot be checked at the moment');
    }
    if (user !== undefined) {
      const settle = (): void => {
        leave();
        socket.off('close', leave);
        // The WebSocket has listeners of its own.
        socket.off('error', destroy);
      };
      return { user, socket, leave: settle };
    }
    leave();
    return UNAUTHORIZED;
  }

  return async (request, socket) => {
    // A client that vanishes during the upgrade must not take the process along.
    socket.on('error', destroy);
    const verdict = await judge(request, socket);
    if (!('status' in verdict)) return verdict;
    log.info({ status: verdict.status }, 'upgrade refused');
    metrics.upgrade(verdict.status);
    refuseUpgrade(socket, verdict, environment);
    return undefined;
  };
}

/** For the `upgrade` event of an HTTP server. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Goes on with the upgrades that a gate admits; what fails on the way ends one socket. */
export function onUpgrade(
  gate: TokenGate,
  log: Log,
  goOn: (admitted: Admitted, request: IncomingMessage, head: Buffer) => void,
): UpgradeListener {
  return async (request, socket, head) => {
    try {
      const admitted = await gate(request, socket);
      if (admitted !== undefined) goOn(admitted, request, head);
    } catch (error) {
      log.error({ error }, 'an upgrade failed');
      socket.destroy();
    }
  };
}

/** Answers a refused upgrade, byte for byte the same for the same refusal, and ends it. */
export function refuseUpgrade(
  socket: Duplex,
  refusal: Refusal,
  environment: Environment = systemEnvironment,
): void {
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
  // RFC 6455, section 4.4.
  if (status === 426) head.push(`Sec-WebSocket-Version: ${VERSION}`);
  if (retryAfter !== undefined) head.push(`Retry-After: ${retryAfterSeconds(retryAfter)}`);
  // The client may keep its side open as long as it likes; ours is done once this is written.
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const VERSION = '13';

/**
 * What is wrong with the handshake itself (RFC 6455, section 4.2.1). `ws` would say so as well, but
 * only after the token was spent.
 */
function malformedHandshake(request: IncomingMessage): Refusal | undefined {
  const { method, httpVersion, headers } = request;
  const isRequest = method === 'GET' && httpVersion === '1.1' && Boolean(headers.host);
  // What `ws` would take for frames.
  const hasBody = Number(headers['content-length'] ?? 0) > 0 || 'transfer-encoding' in headers;
  const hasKey = /^[+/\dA-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '');
  if (!isRequest || hasBody || !hasKey) {
    return { status: 400, message: 'Not a WebSocket handshake' };
  }
  if (headers['sec-websocket-version'] !== VERSION) {
    return { status: 426, message: `Only version ${VERSION} of the WebSocket protocol is spoken` };
  }
  return undefined;
}

function destroy(this: Duplex): void {
  this.destroy();
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
  // `ws` would refuse such a list after the token was spent.
  if (protocols !== undefined && !isList(entries)) return undefined;
  const found = [
    ...query.getAll('token'),
    ...entries
      .filter((entry) => entry.startsWith(TOKEN_ENTRY))
      .map((entry) => entry.slice(TOKEN_ENTRY.length)),
  ];
  const [token] = found;
  return found.length === 1 && token !== undefined && TOKEN_SHAPE.test(token) ? token : undefined;
}

/** Whether these are subprotocols: tokens of RFC 9110, section 5.6.2, each another. */
function isList(entries: readonly string[]): boolean {
  const areTokens = entries.every((entry) => /^[\w!#$%&'*+.^`|~-]+$/.test(entry));
  return areTokens && new Set(entries).size === entries.length;
}
