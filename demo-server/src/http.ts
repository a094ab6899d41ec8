import { join } from 'node:path';
import express, { type Express, type RequestHandler } from 'express';
import { busyFor } from './come-back.ts';
import type { Control } from './control.ts';
import { cors } from './cors.ts';
import { fail, succeed } from './envelope.ts';
import {
  changeFaults,
  type FaultRouteOptions,
  faultyTokenRoute,
  showFaults,
} from './fault-routes.ts';
import { SOCKET_PATH } from './gate.ts';
import type { Health } from './health.ts';
import type { Jwts, VerifyJwt } from './jwt.ts';
import type { PrometheusMetrics } from './metrics.ts';
import { allow, bearer, noStore, onError, operatorOnly, securityHeaders } from './middleware.ts';
import { operatorRoutes } from './operator-routes.ts';
import type { Origins } from './origins.ts';
import { type TokenRouteOptions, tokenRoute } from './token-route.ts';

/** What the routes are made of. */
export interface HttpOptions extends TokenRouteOptions, FaultRouteOptions {
  readonly verify: VerifyJwt;
  /** Issues JWTs, unless somebody else does. */
  readonly sign: Jwts['sign'] | undefined;
  readonly control: Control;
  readonly metrics: PrometheusMetrics;
  /** Asked once the server listens: its own origins depend on the port. */
  readonly origins: () => Origins;
  readonly health: () => Promise<Health>;
  /** Whether the server is about to stop: nobody else is to be sent to it. */
  readonly leaving: () => boolean;
  /** Directory of the built demo page. */
  readonly page: string;
}

/** The demo's users; a user's password is the user's name. */
const USERS = ['ada', 'bob'];

/** The HTTP side: the API, and the demo page. */
export function createApp(options: HttpOptions): Express {
  const { settings, environment, log, metrics, verify, sign, control } = options;
  const { faults, origins, leaving, health } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(securityHeaders(origins));
  app.use((_request, response, next) => {
    // The next request is to find a process that goes on.
    if (leaving()) response.set('Connection', 'close');
    next();
  });

  // Whether the process lives: whoever restarts it for a 503 here would not help its database.
  app.get('/health', noStore, async (_request, response) => {
    succeed(response, { data: await health() });
  });
  // Whether it is to be sent anybody.
  app.get('/ready', noStore, async (_request, response) => {
    const { tokenStore, fanOut, keys } = await health();
    if (leaving()) fail(response, 503, 'Stopping');
    else if (tokenStore === 'down') fail(response, 503, 'The token store is down');
    else if (fanOut === 'down') fail(response, 503, 'The fan-out is down');
    else if (keys === 'down')
      fail(response, 503, 'The keys of the identity provider cannot be had');
    else succeed(response, { message: 'Ready' });
  });
  const { operatorToken } = settings;
  const forOperator = operatorToken === undefined ? [] : [operatorOnly(operatorToken)];
  app.get('/metrics', noStore, ...forOperator, async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.text());
  });
  if (operatorToken !== undefined) app.use('/operator', operatorRoutes(control, operatorToken));

  app.use(['/login', '/logout', '/token/ws', '/faults'], noStore, cors(origins));
  const json = express.json({ limit: 16_384 });
  const loggedIn = bearer(verify, environment, log);

  if (sign !== undefined) app.all('/login', allow('POST'), json, logIn(sign, options));

  app.all('/logout', allow('POST'), loggedIn, async (_request, response) => {
    try {
      await control.logOut(response.locals.identity);
    } catch (error) {
      log.error({ error }, 'a logout failed');
      fail(response, 503, 'Nobody can be logged out at the moment', busyFor(environment));
      return;
    }
    succeed(response, { message: 'Logged out' });
  });

  const tokenFaults = settings.faults ? [faultyTokenRoute(faults)] : [];
  app.all('/token/ws', allow('POST', 'GET'), loggedIn, ...tokenFaults, tokenRoute(options));

  if (settings.faults) {
    app.get('/faults', showFaults(faults));
    app.post('/faults', json, changeFaults(options));
  }

  // An upgrade never gets here; this is a plain request for the same address.
  app.all(SOCKET_PATH, (_request, response) => {
    response.set('Upgrade', 'websocket');
    fail(response, 426, 'This is a WebSocket endpoint');
  });

  app.use(express.static(options.page));
  app.get('/', (_request, response) => {
    response.status(503).type('html').send(NOT_BUILT);
  });
  app.use((_request, response) => fail(response, 404, 'Not found'));
  app.use(onError(log, environment));
  return app;
}

function logIn(
  sign: Jwts['sign'],
  { settings, faults }: Pick<HttpOptions, 'settings' | 'faults'>,
): RequestHandler {
  return async (request, response) => {
    const body: unknown = request.body;
    if (typeof body !== 'object' || body === null) {
      fail(response, 400, 'Expected a JSON object with username and password');
      return;
    }
    const { username, password } = body as Record<string, unknown>;
    if (typeof username !== 'string' || !USERS.includes(username) || password !== username) {
      fail(response, 401, 'Wrong username or password');
      return;
    }
    const expiresIn = faults.of(username).jwtExpiresIn ?? settings.jwtExpiresIn;
    succeed(response, { data: { token: await sign(username, expiresIn) } });
  };
}

/** Where the page is when it has been built. */
export const PAGE_DIRECTORY = join(import.meta.dirname, '../page/dist');

const NOT_BUILT = `<!doctype html>
<html lang="en">
  <title>Two-Stage Socket</title>
  <p>The demo page is not built. Run <code>npm start</code> at the root of the repository.</p>
</html>
`;
