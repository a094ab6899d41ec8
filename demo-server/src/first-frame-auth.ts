import type { WebSocket } from 'ws';
import { CloseCode, retryAfterReason } from './close-codes.ts';
import { comeBackIn } from './come-back.ts';
import { Connection } from './connection.ts';
import { type Environment, systemEnvironment } from './environment.ts';
import { watchExpiry } from './expiry.ts';
import { authenticate, MAX_FIRST_FRAME } from './first-frame.ts';
import type { Admitted } from './gate.ts';
import { FORBIDDEN, UNAUTHORIZED, type VerifyForConnection } from './judge-jwt.ts';
import type { Identity } from './jwt.ts';
import { countByUser, sharedLimiter } from './limits.ts';
import { type Log, silentLog } from './log.ts';
import { type Metrics, noMetrics } from './metrics.ts';
import { createRegistry, type Registry } from './registry.ts';
import type { Standing } from './revocations.ts';
import { startSession } from './session.ts';
import { originalWire, selectWire, TWO_STAGE, twoStageWire } from './wire.ts';

/** What the init stage is made of. Durations are in ms, sizes in bytes; 0 turns a limit off. */
export interface FirstFrameAuthOptions {
  /**
   * Verifies a JWT, of an init payload or a renewal, with whatever library the application has: see
   * {@link VerifyJwt} for what to answer, and how to say no.
   */
  readonly verify: VerifyForConnection;
  /**
   * Asked in one step with the registration, about what `verify` has answered: a logout may have
   * come in between, too late for `verify` and too early for the registry. Default: `good`.
   */
  readonly standing?: (identity: Identity) => Standing;
  /**
   * Called with each of the application's messages: a value of JSON, a string, or bytes. Messages do
   * not wait for each other. If it throws or rejects, the connection ends with 1011.
   */
  readonly onMessage: (connection: Connection, data: unknown) => void | Promise<void>;
  /**
   * Called once a connection is acknowledged and registered, before any of its messages. If it
   * throws or rejects, the connection ends with 1011.
   */
  readonly onReady?: (connection: Connection) => void | Promise<void>;
  /** Where ready connections are kept, to be sent to. Default: one of its own. */
  readonly registry?: Registry;
  /** Time from the upgrade to the verdict. Default 10 s. */
  readonly initTimeout?: number;
  /** Largest init payload. Default 16384. */
  readonly maxFirstFrame?: number;
  /** Told to clients in the ack, for `watchLiveness`. Default 0. */
  readonly heartbeat?: number;
  /** Frames a second and connection; twice that in a burst. Default 200. */
  readonly messagesPerSecond?: number;
  /** Ready connections a user, and as many that wait for their verdict. Default 100. */
  readonly maxConnections?: number;
  /** Bytes a slow consumer may leave unread before it is ended. Default 1 MiB. */
  readonly maxBuffered?: number;
  /** Whether the server is stopping: then a socket is closed with 1012. Default: never. */
  readonly draining?: () => boolean;
  /** Over how many ms those are told to come back. Default 10 s. */
  readonly drainTimeout?: number;
  /** Clocks, randomness and timers. Default: the real ones. */
  readonly environment?: Environment;
  /** Default: silence. */
  readonly log?: Log;
  /** Default: nothing is counted. */
  readonly metrics?: Metrics;
}

/**
 * Takes a WebSocket that the token gate admitted through the init stage and, if that succeeds,
 * through its life. The connection it answers has not authenticated yet.
 */
export interface FirstFrameAuth {
  (webSocket: WebSocket, admitted: Admitted): Connection;
  /** All it has taken, authenticated or not, until the network is done with them: for `drain`. */
  readonly connections: ReadonlySet<Connection>;
}

/**
 * Options for the `WebSocketServer` that the WebSockets come from. `handleProtocols` is part of the
 * protocol; the others are bounds on what one client can make the server do.
 */
export const webSocketOptions = {
  noServer: true,
  // Its list would hold those that have not authenticated as well: a registry does not.
  clientTracking: false,
  handleProtocols: selectWire,
  // Compression lets a small frame unpack into a large one, and leaks secrets that share a
  // message with what an attacker chose (RFC 7457, section 2.6).
  perMessageDeflate: false,
  /** Largest message, in bytes. */
  maxPayload: 1_048_576,
  /** Frames a message may come in: an empty one costs its sender 6 bytes, and no other limit. */
  maxFragments: 1024,
  /** How long a client may take to answer a close frame, in ms, before it is cut off. */
  closeTimeout: 2000,
} as const;

/** When to try again with too many connections, in ms. */
const TOO_MANY_CONNECTIONS = 5000;

/**
 * The init stage for WebSockets of the `ws` package, whose server has {@link webSocketOptions}.
 *
 * ```ts
 * const webSockets = new WebSocketServer(webSocketOptions);
 * const authenticate = createFirstFrameAuth({ verify, onMessage });
 * server.on('upgrade', async (request, socket, head) => {
 *   const admitted = await gate(request, socket);
 *   if (admitted === undefined) return;
 *   webSockets.handleUpgrade(request, socket, head, (webSocket) => authenticate(webSocket, admitted));
 * });
 * ```
 */
export function createFirstFrameAuth(options: FirstFrameAuthOptions): FirstFrameAuth {
  const {
    onMessage,
    onReady,
    standing = () => 'good',
    registry = createRegistry(),
    initTimeout = 10_000,
    maxFirstFrame = MAX_FIRST_FRAME,
    heartbeat = 0,
    messagesPerSecond = 200,
    maxConnections = 100,
    maxBuffered = 1_048_576,
    draining = () => false,
    drainTimeout = 10_000,
    environment = systemEnvironment,
    log = silentLog,
    metrics = noMetrics,
  } = options;
  const connections = new Set<Connection>();
  const onClosed = (connection: Connection): void => {
    connections.delete(connection);
  };
  const limit = sharedLimiter(environment, messagesPerSecond, 2 * messagesPerSecond);
  const expiry = watchExpiry(environment, registry);
  let lastId = 0;

  const verify: VerifyForConnection = async (jwt, connection) => {
    const identity = await options.verify(jwt, connection);
    // Unnoticed, it would make a connection that never expires.
    if (!Number.isFinite(identity.expiresAt)) {
      const message = 'verify answered no expiresAt; expected ms since the epoch';
      log.error({ connection: connection.id }, message);
      throw new TypeError(message);
    }
    if (identity.expiresAt <= environment.now()) throw new Error('The JWT has expired');
    return identity;
  };

  // Without it one user could take all the places of those who wait.
  const waiting = countByUser();
  const session = { environment, registry, expiry, verify, heartbeat, onReady, onMessage };

  async function run(
    connection: Connection,
    { user, socket, leave }: Admitted,
    done: () => void,
  ): Promise<void> {
    const identity = await authenticate(connection, {
      environment,
      socket,
      timeout: initTimeout,
      maxBytes: maxFirstFrame,
      verify,
    });
    if (identity === undefined) return;
    done();
    const found = standing(identity);
    if (found !== 'good') {
      const { code, reason } = found === 'forbidden' ? FORBIDDEN : UNAUTHORIZED;
      connection.refuse(code, reason);
      return;
    }
    leave();
    if (maxConnections > 0 && registry.count(user) >= maxConnections) {
      connection.end(CloseCode.slowDown, retryAfterReason(TOO_MANY_CONNECTIONS));
      return;
    }
    startSession(connection, identity, session);
    metrics.ready(connection.wire.name);
    log.info({ connection: connection.id, user, wire: connection.wire.name }, 'connection ready');
  }

  function take(webSocket: WebSocket, admitted: Admitted): Connection {
    lastId += 1;
    metrics.upgrade(101);
    const connection = new Connection(webSocket, {
      id: lastId,
      user: admitted.user,
      wire: webSocket.protocol === TWO_STAGE ? twoStageWire : originalWire,
      limit,
      maxBuffered,
      log,
      metrics,
      onClosed,
    });
    const isTooMany = maxConnections > 0 && waiting.of(admitted.user) >= maxConnections;
    const done = waiting.enter(admitted.user);
    connection.onEnd(done);
    run(connection, admitted, done).catch((error: unknown) => {
      log.error({ connection: connection.id, error }, 'a connection failed');
      connection.terminate('internal error');
    });
    connections.add(connection);
    if (isTooMany) connection.end(CloseCode.slowDown, retryAfterReason(TOO_MANY_CONNECTIONS));
    if (draining()) {
      const wait = comeBackIn(environment, drainTimeout);
      connection.end(CloseCode.restart, retryAfterReason(wait));
    }
    return connection;
  }

  return Object.assign(take, { connections });
}
