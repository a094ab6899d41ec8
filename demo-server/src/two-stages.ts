import { WebSocketServer } from 'ws';
import type { Connection } from './connection.ts';
import { type Before, cors } from './cors.ts';
import { drain } from './drain.ts';
import { every, systemEnvironment } from './environment.ts';
import {
  createFirstFrameAuth,
  type FirstFrameAuthOptions,
  webSocketOptions,
} from './first-frame-auth.ts';
import { createTokenGate, onUpgrade, type TokenGateOptions, type UpgradeListener } from './gate.ts';
import { silentLog } from './log.ts';
import { createRegistry, type Registry } from './registry.ts';
import { createTokenAnswer, type TokenAnswer, type TokenAnswerOptions } from './token-answer.ts';

/** What both stages are made of; only the four without a default have to be given. */
export interface TwoStagesOptions
  extends Omit<TokenAnswerOptions, 'draining'>,
    Omit<TokenGateOptions, 'draining'>,
    Omit<FirstFrameAuthOptions, 'draining'> {
  /** ms between the pings that connections are sent, and told of in the ack. Default 25 s. */
  readonly heartbeat?: number;
  /** The server of WebSockets. Default: one with {@link webSocketOptions}, as another should have. */
  readonly webSockets?: WebSocketServer;
}

/** Both stages, for a server that has routes and JWTs of its own. */
export interface TwoStages {
  /** For the token route, before what checks the JWT. */
  readonly cors: Before;
  /** For the token route, once the JWT has been checked: mints a token for its user. */
  readonly mint: TokenAnswer;
  /** For the `upgrade` event of an HTTP server. Answers 404 to every path but its own. */
  readonly upgrade: UpgradeListener;
  /** The ready connections: who can be sent to. */
  readonly registry: Registry;
  /** All connections, authenticated or not, until the network is done with them. */
  readonly connections: ReadonlySet<Connection>;
  /**
   * Stops gracefully, in `drainTimeout` or less: see `drain`. Nobody gets in from then on; that the
   * HTTP server listens meanwhile lets it say so. Resolves when no connection is left.
   */
  readonly stop: () => Promise<void>;
}

/** Puts the parts together: token answer, gate, WebSocket, first frame, pings, graceful stop. */
export function createTwoStages(options: TwoStagesOptions): TwoStages {
  const {
    registry = createRegistry(),
    webSockets = new WebSocketServer(webSocketOptions),
    heartbeat = 25_000,
    drainTimeout = 10_000,
    environment = systemEnvironment,
    log = silentLog,
  } = options;
  let isDraining = false;
  const all = { ...options, registry, heartbeat, drainTimeout, draining: () => isDraining };

  const gate = createTokenGate(all);
  const authenticate = createFirstFrameAuth({
    ...all,
    onReady(connection) {
      connection.onEnd(every(environment, heartbeat, () => connection.probe()));
      options.onReady?.(connection);
    },
  });

  return {
    cors: cors(options.origins),
    mint: createTokenAnswer(all),
    upgrade: onUpgrade(gate, log, (admitted, request, head) =>
      webSockets.handleUpgrade(request, admitted.socket, head, (webSocket) =>
        authenticate(webSocket, admitted),
      ),
    ),
    registry,
    connections: authenticate.connections,
    stop() {
      isDraining = true;
      return drain(authenticate.connections, { environment, timeout: drainTimeout });
    },
  };
}
