import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Connection } from './connection.ts';
import type { Environment } from './environment.ts';
import { type Faults, faultyVerify } from './faults.ts';
import { MAX_FIRST_FRAME } from './first-frame.ts';
import { createFirstFrameAuth, webSocketOptions } from './first-frame-auth.ts';
import {
  onUpgrade,
  refuseUpgrade,
  type TokenGate,
  UNAUTHORIZED,
  type UpgradeListener,
} from './gate.ts';
import type { Identity, VerifyJwt } from './jwt.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { echo, startIndividual } from './pipelines.ts';
import type { Registry } from './registry.ts';
import type { Standing } from './revocations.ts';
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
  /** What this process has heard of a JWT. */
  readonly standing: (identity: Identity) => Standing;
  readonly registry: Registry;
  readonly faults: Faults;
  /** Whether the server is stopping. */
  readonly draining: () => boolean;
  /** Called with each socket that has become one of the `connections`. */
  readonly onUpgraded: (socket: Duplex) => void;
}

/** Where sockets come in, and all there are. */
export interface Endpoint {
  /** Takes an upgrade request from the gate to its session. */
  readonly upgrade: UpgradeListener;
  /** All connections, authenticated or not, until the network is done with them. */
  readonly connections: ReadonlySet<Connection>;
}

/** Puts the stages in their order: gate, WebSocket, first frame, session. */
export function createEndpoint(options: EndpointOptions): Endpoint {
  const { environment, settings, log, metrics, gate, verify, standing } = options;
  const { registry, faults, draining, onUpgraded } = options;

  /** Upgrades that a fault switch makes speak the original wire, whatever they offer. */
  const refusesTwoStage = new WeakSet<IncomingMessage>();
  const webSockets = new WebSocketServer({
    ...webSocketOptions,
    maxPayload: settings.maxFrame,
    handleProtocols: (offered: Set<string>, request: IncomingMessage) =>
      !refusesTwoStage.has(request) && selectWire(offered),
  });

  const authenticate = createFirstFrameAuth({
    environment,
    log,
    metrics,
    registry,
    draining,
    drainTimeout: settings.drainTimeout,
    verify: faultyVerify(faults, verify),
    standing,
    initTimeout: settings.initTimeout,
    maxFirstFrame: Math.min(settings.maxFrame || MAX_FIRST_FRAME, MAX_FIRST_FRAME),
    heartbeat: settings.heartbeat,
    messagesPerSecond: settings.messagesPerSecond,
    maxConnections: settings.maxConnections,
    maxBuffered: settings.maxBuffered,
    onReady: (connection) => startIndividual(connection, environment, settings.individualEvery),
    onMessage: echo,
  });

  const upgrade = onUpgrade(gate, log, (admitted, request, head) => {
    const { user, socket } = admitted;
    const { upgrade: fault, wire } = faults.of(user);
    if (fault === 'refuse') refuseUpgrade(socket, UNAUTHORIZED, environment);
    // Read on, only to notice when the client has had enough.
    if (fault === 'hang') socket.resume().once('end', () => socket.destroy());
    if (fault !== 'ok') return;
    if (wire === 'original') refusesTwoStage.add(request);
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      authenticate(webSocket, admitted);
      onUpgraded(socket);
    });
  });

  return { upgrade, connections: authenticate.connections };
}
