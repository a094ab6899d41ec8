import type { WebSocket } from 'ws';
import { CloseCode, retryAfterReason } from './close-codes.ts';
import { Connection } from './connection.ts';
import { type Environment, systemEnvironment } from './environment.ts';
import { authenticate, MAX_FIRST_FRAME } from './first-frame.ts';
import type { Admitted } from './gate.ts';
import type { VerifyForConnection } from './judge-jwt.ts';
import { rateLimiter } from './limits.ts';
import { type Log, silentLog } from './log.ts';
import { type Metrics, noMetrics } from './metrics.ts';
import { createRegistry, type Registry } from './registry.ts';
import { startSession } from './session.ts';
import { originalWire, TWO_STAGE, twoStageWire } from './wire.ts';

/** What the init stage is made of. Durations are in ms, sizes in bytes; 0 turns a limit off. */
export interface FirstFrameAuthOptions {
  /** Verifies a JWT, of an init payload or a renewal: see `VerifyJwt` for how it says no. */
  readonly verify: VerifyForConnection;
  /** Called with each of the application's messages: a value of JSON, a string, or bytes. */
  readonly onMessage: (connection: Connection, data: unknown) => void;
  /** Called once a connection is acknowledged and registered, before any of its messages. */
  readonly onReady?: (connection: Connection) => void;
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
  /** Ready connections a user. Default 100. */
  readonly maxConnections?: number;
  /** Bytes a slow consumer may leave unread before it is ended. Default 1 MiB. */
  readonly maxBuffered?: number;
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
export type FirstFrameAuth = (webSocket: WebSocket, admitted: Admitted) => Connection;

/** When to try again with too many connections, in ms. */
const TOO_MANY_CONNECTIONS = 5000;

/**
 * The init stage for WebSockets of the `ws` package. The server they come from decides two things
 * that are part of the protocol: it must select the subprotocol with `selectWire`, and should have
 * `perMessageDeflate` off and a `maxPayload`.
 */
export function createFirstFrameAuth(options: FirstFrameAuthOptions): FirstFrameAuth {
  const {
    verify,
    onMessage,
    onReady,
    registry = createRegistry(),
    initTimeout = 10_000,
    maxFirstFrame = MAX_FIRST_FRAME,
    heartbeat = 0,
    messagesPerSecond = 200,
    maxConnections = 100,
    maxBuffered = 1_048_576,
    environment = systemEnvironment,
    log = silentLog,
    metrics = noMetrics,
  } = options;
  let lastId = 0;

  async function run(connection: Connection, { user, socket, leave }: Admitted): Promise<void> {
    const identity = await authenticate(connection, {
      environment,
      socket,
      timeout: initTimeout,
      maxBytes: maxFirstFrame,
      verify,
    });
    if (identity === undefined) return;
    leave();
    if (maxConnections > 0 && registry.count(user) >= maxConnections) {
      connection.end(CloseCode.slowDown, retryAfterReason(TOO_MANY_CONNECTIONS));
      return;
    }
    startSession(connection, identity, {
      environment,
      registry,
      verify,
      heartbeat,
      onReady,
      onMessage,
    });
    metrics.ready(connection.wire.name);
    log.info({ connection: connection.id, user, wire: connection.wire.name }, 'connection ready');
  }

  return (webSocket, admitted) => {
    lastId += 1;
    metrics.upgrade(101);
    const connection = new Connection(webSocket, {
      id: lastId,
      user: admitted.user,
      wire: webSocket.protocol === TWO_STAGE ? twoStageWire : originalWire,
      limit: rateLimiter(environment, messagesPerSecond, 2 * messagesPerSecond),
      maxBuffered,
      log,
      metrics,
    });
    run(connection, admitted).catch((error: unknown) => {
      log.error({ connection: connection.id, error }, 'a connection failed');
      connection.terminate('internal error');
    });
    return connection;
  };
}
