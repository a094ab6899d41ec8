import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { CloseCode, retryAfterReason } from './close-codes.ts';
import { comeBackIn } from './come-back.ts';
import type { Connection } from './connection.ts';
import type { Environment } from './environment.ts';
import { type Faults, faultyVerify } from './faults.ts';
import { MAX_FIRST_FRAME } from './first-frame.ts';
import { createFirstFrameAuth } from './first-frame-auth.ts';
import { refuseUpgrade, type TokenGate, UNAUTHORIZED } from './gate.ts';
import type { VerifyJwt } from './jwt.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { echo, startIndividual } from './pipelines.ts';
import type { Registry } from './registry.ts';
import type { Settings } from './settings.ts';
import { selectWire } from './wire.ts';

/** What the endpoint is made of. */
export interface EndpointOptions {
  readonly environment: Environment;
  readonly settings: Settings;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly gate: TokenGate;
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

/** Frames a message may come in: an empty one costs its sender 6 bytes, and no other limit. */
const MAX_FRAGMENTS = 1024;

/** Puts the stages in their order: gate, WebSocket, first frame, session. */
export function createEndpoint(options: EndpointOptions): Endpoint {
  const { environment, settings, log, metrics, gate, verify, registry, faults, draining } = options;
  const connections = new Set<Connection>();

  /** Upgrades that a fault switch makes speak the original wire, whatever they offer. */
  const refusesTwoStage = new WeakSet<IncomingMessage>();
  const webSocketOptions = {
    noServer: true,
    clientTracking: false,
    // Compression lets a small frame unpack into a large one, and leaks secrets that share a
    // message with what an attacker chose (RFC 7457, section 2.6).
    perMessageDeflate: false,
    maxPayload: settings.maxFrame,
    maxFragments: MAX_FRAGMENTS,
    closeTimeout: CLOSE_TIMEOUT,
    handleProtocols: (offered: Set<string>, request: IncomingMessage) =>
      !refusesTwoStage.has(request) && selectWire(offered),
  } satisfies ConstructorParameters<typeof WebSocketServer>[0] & {
    closeTimeout: number;
    maxFragments: number;
  };
  const webSockets = new WebSocketServer(webSocketOptions);

  const authenticate = createFirstFrameAuth({
    environment,
    log,
    metrics,
    registry,
    verify: faultyVerify(faults, verify),
    initTimeout: settings.initTimeout,
    maxFirstFrame: Math.min(settings.maxFrame || MAX_FIRST_FRAME, MAX_FIRST_FRAME),
    heartbeat: settings.heartbeat,
    messagesPerSecond: settings.messagesPerSecond,
    maxConnections: settings.maxConnections,
    maxBuffered: settings.maxBuffered,
    onReady: (connection) => startIndividual(connection, environment, settings.individualEvery),
    onMessage: echo,
  });

  async function accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const admitted = await gate(request, socket);
    if (admitted === undefined) return;
    const { upgrade: fault, wire } = faults.of(admitted.user);
    if (fault === 'refuse') refuseUpgrade(socket, UNAUTHORIZED, environment);
    // Read on, only to notice when the client has had enough.
    if (fault === 'hang') socket.resume().once('end', () => socket.destroy());
    if (fault !== 'ok') return;
    if (wire === 'original') refusesTwoStage.add(request);
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = authenticate(webSocket, admitted);
      connections.add(connection);
      void connection.closed.then(() => connections.delete(connection));
      if (draining()) {
        const wait = comeBackIn(environment, settings.drainTimeout);
        connection.end(CloseCode.restart, retryAfterReason(wait));
      }
    });
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
