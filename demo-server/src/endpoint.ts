import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { CloseCode, retryAfterReason } from './close-codes.ts';
import { Connection } from './connection.ts';
import { comeBackIn } from './drain.ts';
import type { Environment } from './environment.ts';
import { type Faults, faultyVerify } from './faults.ts';
import { authenticate, MAX_FIRST_FRAME } from './first-frame.ts';
import { type Admitted, type Gate, refuseUpgrade, UNAUTHORIZED } from './gate.ts';
import type { VerifyJwt } from './jwt.ts';
import { rateLimiter } from './limits.ts';
import type { Log } from './log.ts';
import type { Registry } from './registry.ts';
import { startSession } from './session.ts';
import type { Settings } from './settings.ts';
import { originalWire, TWO_STAGE, twoStageWire } from './wire.ts';

/** What the endpoint is made of. */
export interface EndpointOptions {
  readonly environment: Environment;
  readonly settings: Settings;
  readonly log: Log;
  readonly gate: Gate;
  readonly verify: VerifyJwt;
  readonly registry: Registry;
  readonly faults: Faults;
  /** Whether the server is stopping. */
  readonly draining: () => boolean;
}

/** Where sockets come in, and all there are. */
export interface Endpoint {
  /** Takes an upgrade request from the gate to its session. For the `upgrade` event of a server. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** All connections, authenticated or not, until the network is done with them. */
  readonly connections: ReadonlySet<Connection>;
}

/** How long a client may take to answer a close frame, in ms, before it is cut off. */
const CLOSE_TIMEOUT = 2000;

/** When to try again with too many connections, in ms. */
const TOO_MANY_CONNECTIONS = 5000;

/** Puts the stages in their order: gate, WebSocket, first frame, session. */
export function createEndpoint(options: EndpointOptions): Endpoint {
  const { environment, settings, log, gate, verify, registry, faults, draining } = options;
  const connections = new Set<Connection>();
  let lastId = 0;

  /** Upgrades that a fault switch makes speak the original wire, whatever they offer. */
  const refusesTwoStage = new WeakSet<IncomingMessage>();
  const webSocketOptions = {
    noServer: true,
    clientTracking: false,
    // Compression lets a small frame unpack into a large one, and leaks secrets that share a
    // message with what an attacker chose (RFC 7457, section 2.6).
    perMessageDeflate: false,
    maxPayload: settings.maxFrame,
    closeTimeout: CLOSE_TIMEOUT,
    // A `token.…` entry is a secret: it is never the one that is selected.
    handleProtocols: (offered: Set<string>, request: IncomingMessage) =>
      offered.has(TWO_STAGE) && !refusesTwoStage.has(request) ? TWO_STAGE : false,
  } satisfies ConstructorParameters<typeof WebSocketServer>[0] & { closeTimeout: number };
  const webSockets = new WebSocketServer(webSocketOptions);

  async function accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // A client that vanishes during the upgrade must not take the process along.
    socket.on('error', () => socket.destroy());
    const verdict = await gate(request, socket);
    if ('status' in verdict) {
      log.info({ status: verdict.status }, 'upgrade refused');
      refuseUpgrade(socket, verdict, environment);
      return;
    }
    const { upgrade: fault, wire } = faults.of(verdict.user);
    if (fault === 'refuse') refuseUpgrade(socket, UNAUTHORIZED, environment);
    // Read on, only to notice when the client has had enough.
    if (fault === 'hang') socket.resume().once('end', () => socket.destroy());
    if (fault !== 'ok') return;
    if (wire === 'original') refusesTwoStage.add(request);
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      serve(webSocket, socket, verdict).catch((error: unknown) => {
        log.error({ error }, 'a connection failed');
        webSocket.terminate();
      });
    });
  }

  async function serve(webSocket: WebSocket, socket: Duplex, admitted: Admitted): Promise<void> {
    const { user, leave } = admitted;
    const rate = settings.messagesPerSecond;
    lastId += 1;
    const connection = new Connection(webSocket, {
      id: lastId,
      user,
      wire: webSocket.protocol === TWO_STAGE ? twoStageWire : originalWire,
      limit: rateLimiter(environment, rate, 2 * rate),
      maxBuffered: settings.maxBuffered,
      log,
    });
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
    if (draining()) {
      const wait = comeBackIn(environment, settings.drainTimeout);
      connection.end(CloseCode.restart, retryAfterReason(wait));
      return;
    }

    const identity = await authenticate(connection, {
      environment,
      socket,
      timeout: settings.initTimeout,
      maxBytes: Math.min(settings.maxFrame || MAX_FIRST_FRAME, MAX_FIRST_FRAME),
      verify: faultyVerify(faults, connection, verify),
    });
    if (identity === undefined) return;
    leave();
    if (settings.maxConnections > 0 && registry.of(user).length >= settings.maxConnections) {
      connection.end(CloseCode.slowDown, retryAfterReason(TOO_MANY_CONNECTIONS));
      return;
    }
    startSession(connection, identity, {
      environment,
      registry,
      verify,
      heartbeat: settings.heartbeat,
      individualEvery: settings.individualEvery,
    });
    log.info({ connection: connection.id, user, wire: connection.wire.name }, 'connection ready');
  }

  return {
    upgrade(request, socket, head) {
      accept(request, socket, head).catch((error: unknown) => {
        log.error({ error }, 'an upgrade failed');
        socket.destroy();
      });
    },
    connections,
  };
}
