import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createAdmission } from './admission.ts';
import { defaultSpread } from './come-back.ts';
import { type Control, catchUp, createControl, obey } from './control.ts';
import { drain } from './drain.ts';
import { createEndpoint } from './endpoint.ts';
import { type Cancel, type Environment, systemEnvironment } from './environment.ts';
import { createFaults } from './faults.ts';
import { createTokenGate, SOCKET_PATH } from './gate.ts';
import { examine } from './health.ts';
import { createApp, PAGE_DIRECTORY } from './http.ts';
import { hs256Jwts, type Jwts, jwksVerifier, type Verifier } from './jwt.ts';
import { createPlaces } from './limits.ts';
import { watchLiveness } from './liveness.ts';
import { type Log, silentLog } from './log.ts';
import { prometheusMetrics } from './metrics.ts';
import { allowOrigins, bracket, type Origins, ownOrigins } from './origins.ts';
import { startBroadcast } from './pipelines.ts';
import { createRegistry } from './registry.ts';
import { memoryRevocations, unlessRevoked } from './revocations.ts';
import { openServices, type Services } from './services.ts';
import { defaultSettings, type Settings } from './settings.ts';

/** What a server may be given besides its settings. */
export interface ServerOptions {
  /** Clocks, randomness and timers. Default: the real ones. */
  readonly environment?: Environment;
  /** Default: silence. */
  readonly log?: Log;
  /** Instead of what the settings name. Who gives them closes them. */
  readonly services?: Partial<Services>;
  /** Directory of the demo page. Default: where its build puts it. */
  readonly page?: string;
}

/** A reference server: the token stage, the init stage, both wires, both pipelines. */
export interface DemoServer {
  /** Starts listening. Rejects with the system's error, `EADDRINUSE` for a port that is taken. */
  listen(): Promise<void>;
  /** Where its page is, like `http://127.0.0.1:8080`. Throws before it listens. */
  readonly url: string;
  /** Where its WebSockets are, like `ws://127.0.0.1:8080/demo`. Throws before it listens. */
  readonly socketUrl: string;
  /** What it can be told to do to connections, on all of its processes. */
  readonly control: Control;
  /** Stops gracefully: see `drain`. Resolves when nothing is left. */
  stop(): Promise<void>;
  /** Stops at once: cuts every connection. Resolves when nothing is left. */
  close(): Promise<void>;
}

/**
 * How long an idle HTTP connection is kept, in ms: longer than the 20 s that clients' retry delays
 * grow to, so that a refused token request and its retry share a connection, and its TLS handshake.
 * A delay that the server itself asks for may be minutes; keeping sockets open that long costs more
 * than opening new ones.
 */
const KEEP_ALIVE = 65_000;

/**
 * How long a request's headers may take to arrive at most, in ms: an upgrade is nothing but headers.
 * A shorter `INIT_TIMEOUT` holds for them too.
 */
const HEADERS_TIMEOUT = 10_000;

/**
 * Makes a server with these settings, the others at their defaults. It looks for its store and its
 * broker at once, and does nothing else until `listen`.
 *
 * @throws {TypeError} for an origin, or an address of a store or broker, that is none
 */
export function createDemoServer(
  given: Partial<Settings> = {},
  options: ServerOptions = {},
): DemoServer {
  const settings: Settings = { ...defaultSettings, ...given };
  const givenOrigins = settings.origins && allowOrigins(settings.origins);
  const { environment = systemEnvironment, log = silentLog, page = PAGE_DIRECTORY } = options;

  const services = { ...openServices(settings, environment, log), ...options.services };
  const { tokens, fanOut, revocations, tokenRate } = services;
  const heard = memoryRevocations(environment);
  const jwts = trust(settings, environment, log);
  const parts = { ...services, keys: jwts };
  const verify = unlessRevoked(jwts.verify, revocations, heard);
  const control = createControl(revocations, fanOut, environment);
  const registry = createRegistry();
  const places = createPlaces(settings.maxUnauthenticated);
  const faults = createFaults();
  const running: Cancel[] = [];
  let cancelCatchUp: Cancel = () => {};
  let origins: Origins;
  let isLeaving = false;
  let isDraining = false;

  const metrics = prometheusMetrics({
    ready: () => registry.size,
    unauthenticated: () => places.taken,
  });
  const app = createApp({
    settings,
    log,
    metrics,
    verify,
    sign: jwts.sign,
    control,
    tokens,
    faults,
    environment,
    registry,
    origins: () => origins,
    tokenRate,
    admission: createAdmission(environment, settings.admitRate),
    leaving: () => isLeaving,
    draining: () => isDraining,
    health: () => examine(parts, { ready: registry.size, unauthenticated: places.taken }),
    page,
  });

  const gate = createTokenGate({
    environment,
    log,
    metrics,
    origins: () => origins,
    tokens,
    places,
    draining: () => isDraining,
  });

  /** All sockets that are none of the endpoint's connections. */
  const sockets = new Set<Duplex>();
  function forget(this: Duplex): void {
    sockets.delete(this);
  }

  const endpoint = createEndpoint({
    environment,
    settings,
    log,
    metrics,
    gate,
    verify,
    standing: heard.standing,
    registry,
    faults,
    draining: () => isDraining,
    onUpgraded(socket) {
      sockets.delete(socket);
      socket.off('close', forget);
    },
  });
  const { connections } = endpoint;

  const headersTimeout = Math.min(settings.initTimeout || HEADERS_TIMEOUT, HEADERS_TIMEOUT);
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE,
      headersTimeout,
      // Node looks every 30 s otherwise.
      connectionsCheckingInterval: 1000,
      requestTimeout: 2 * headersTimeout,
      // Some HTTP clients offer `Upgrade: h2c` with every request: those are requests like others.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    },
    app,
  );
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', forget);
  });
  server.on('upgrade', endpoint.upgrade);

  function start(): void {
    running.push(
      fanOut.subscribe((notice) => obey(notice, registry, heard)),
      fanOut.onRecovery(() => {
        heard.forget();
        cancelCatchUp();
        cancelCatchUp = catchUp(registry, revocations, environment);
      }),
      () => cancelCatchUp(),
      control.close,
      startBroadcast(fanOut, environment, settings.broadcastEvery, (error) =>
        log.error({ error }, 'a broadcast failed'),
      ),
      watchLiveness(registry, environment, settings.heartbeat),
    );
  }

  function address(): AddressInfo {
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('The server does not listen');
    return bound;
  }

  /** This server's address with a name that a browser can open. */
  function authority(): string {
    const { port } = address();
    const isAny = settings.host === '0.0.0.0' || settings.host === '::';
    return `${isAny ? 'localhost' : bracket(settings.host)}:${port}`;
  }

  async function close(): Promise<void> {
    for (const cancel of running.splice(0)) cancel();
    for (const connection of connections) connection.terminate('server closed');
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
    await services.close();
    log.info({}, 'stopped');
  }

  return {
    listen() {
      return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(settings.port, settings.host, () => {
          server.off('error', reject);
          const { port } = address();
          origins = givenOrigins ?? allowOrigins(ownOrigins(settings.host, port));
          start();
          log.info({ host: settings.host, port }, 'listening');
          resolve();
        });
      });
    },
    control,
    get url() {
      return `http://${authority()}`;
    },
    get socketUrl() {
      return `ws://${authority()}${SOCKET_PATH}`;
    },
    async stop() {
      const { admitRate, drainDelay, drainTimeout } = settings;
      isLeaving = true;
      log.info({ connections: connections.size }, 'stopping');
      if (drainDelay > 0) await new Promise<void>((go) => environment.after(drainDelay, go));
      isDraining = true;
      const spread =
        admitRate > 0 ? (connections.size * 1000) / admitRate : defaultSpread(drainTimeout);
      await drain(connections, { environment, timeout: drainTimeout, spread });
      await close();
    },
    close,
  };
}

/** Whose JWTs are good: an identity provider's, or those that this server issues itself. */
function trust(
  settings: Settings,
  environment: Environment,
  log: Log,
): Verifier & { readonly sign: Jwts['sign'] | undefined } {
  const { jwksUrl, jwtIssuer = '', jwtAudience = '', jwtAlgorithms, jwtSecret } = settings;
  if (jwksUrl !== undefined) {
    const url = new URL(jwksUrl);
    const rules = { issuer: jwtIssuer, audience: jwtAudience, algorithms: jwtAlgorithms };
    return { ...jwksVerifier({ url, ...rules }, environment), sign: undefined };
  }
  if (jwtSecret === undefined) {
    log.warn({}, 'JWT_SECRET is not set: a random one is used, and a restart logs everybody out');
  }
  const secret =
    jwtSecret === undefined ? environment.randomBytes(32) : new TextEncoder().encode(jwtSecret);
  return { ...hs256Jwts(secret, environment), check: async () => {} };
}
