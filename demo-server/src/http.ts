import { join } from 'node:path';
import express, { type Express } from 'express';
import { fail, succeed } from './envelope.ts';
import type { FanOut } from './fan-out.ts';
import {
  changeFaults,
  type FaultRouteOptions,
  faultyTokenRoute,
  showFaults,
} from './fault-routes.ts';
import { SOCKET_PATH } from './gate.ts';
import type { Jwts } from './jwt.ts';
import type { Log } from './log.ts';
import { allow, bearer, cors, noStore, onError, securityHeaders } from './middleware.ts';
import type { Origins } from './origins.ts';
import { type TokenRouteOptions, tokenRoute } from './token-route.ts';

/** What the routes are made of. */
export interface HttpOptions extends TokenRouteOptions, FaultRouteOptions {
  readonly log: Log;
  readonly jwts: Jwts;
  readonly fanOut: FanOut;
  /** Asked once the server listens: its own origins depend on the port. */
  readonly origins: () => Origins;
  /** Figures for `GET /health`. */
  readonly health: () => object;
  /** Directory of the built demo page. */
  readonly page: string;
}

/** The demo's users; a user's password is the user's name. */
const USERS = ['ada', 'bob'];

/** The HTTP side: the API, and the demo page. */
export function createApp(options: HttpOptions): Express {
  const { settings, log, jwts, fanOut, faults, origins, draining } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(securityHeaders(origins));

  app.get('/health', (_request, response) => {
    if (draining()) fail(response, 503, 'Stopping');
    else succeed(response, { data: options.health() });
  });

  app.use(['/login', '/logout', '/token/ws', '/faults'], noStore, cors(origins));
  const json = express.json({ limit: 16_384 });
  const loggedIn = bearer(jwts.verify);

  app.all('/login', allow('POST'), json, async (request, response) => {
    const { username, password } = (request.body ?? {}) as Record<string, unknown>;
    if (typeof username !== 'string' || !USERS.includes(username) || password !== username) {
      fail(response, 401, 'Wrong username or password');
      return;
    }
    const expiresIn = faults.of(username).jwtExpiresIn ?? settings.jwtExpiresIn;
    const token = await jwts.sign(username, expiresIn);
    succeed(response, { data: { token } });
  });

  app.all('/logout', allow('POST'), loggedIn, async (_request, response) => {
    await fanOut.publish({ kind: 'logout', identity: response.locals.identity });
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
  app.use(onError(log));
  return app;
}

/** Where the page is when it has been built. */
export const PAGE_DIRECTORY = join(import.meta.dirname, '../page/dist');

const NOT_BUILT = `<!doctype html>
<html lang="en">
  <title>Two-Stage Socket</title>
  <p>The demo page is not built. Run <code>npm start</code> at the root of the repository.</p>
</html>
`;
