import { join } from 'node:path';
import express, {
  type Express as App,
  type ErrorRequestHandler,
  type RequestHandler,
} from 'express';
import helmet from 'helmet';
import { fail, succeed } from './envelope.ts';
import type { FanOut } from './fan-out.ts';
import {
  changeFaults,
  type FaultRouteOptions,
  type Faults,
  faultyTokenRoute,
  showFaults,
} from './faults.ts';
import { SOCKET_PATH } from './gate.ts';
import type { Identity, Jwts, VerifyJwt } from './jwt.ts';
import type { Limiter } from './limits.ts';
import type { Log } from './log.ts';
import type { Origins } from './origins.ts';
import type { Settings } from './settings.ts';
import type { TokenStore } from './tokens.ts';
import { TWO_STAGE } from './wire.ts';

declare global {
  namespace Express {
    interface Locals {
      /** Who the request comes from, behind `bearer`. */
      identity: Identity;
    }
  }
}

/** What the routes are made of. */
export interface HttpOptions {
  readonly settings: Settings;
  readonly log: Log;
  readonly jwts: Jwts;
  readonly tokens: TokenStore;
  readonly fanOut: FanOut;
  readonly faults: Faults;
  /** What `POST /faults` acts upon. */
  readonly faultRoutes: FaultRouteOptions;
  /** Asked once the server listens: its own origins depend on the port. */
  readonly origins: () => Origins;
  /** ms until a user may have another token. */
  readonly tokenRate: (user: string) => number;
  /** ms until the caller's slot. */
  readonly admission: Limiter;
  /** Whether the server is stopping. */
  readonly draining: () => boolean;
  /** Figures for `GET /health`. */
  readonly health: () => object;
  /** Directory of the built demo page. */
  readonly page: string;
}

/** The demo's users; a user's password is the user's name. */
const USERS = ['ada', 'bob'];

/** The HTTP side: the API, and the demo page. */
export function createApp(options: HttpOptions): App {
  const { settings, log, jwts, tokens, fanOut, faults, origins, draining } = options;
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

  const tokenRoute: RequestHandler = async (request, response) => {
    const { user } = response.locals.identity;
    if (draining()) {
      fail(response, 503, 'The server is stopping', settings.drainTimeout);
      return;
    }
    const wait = options.tokenRate(user);
    if (wait > 0) {
      fail(response, 429, 'Too many tokens', wait);
      return;
    }
    const slot = options.admission();
    if (slot > 0) {
      fail(response, 503, 'Too many connections at the moment', slot);
      return;
    }
    const switches = faults.of(user);
    const expiresIn = switches.tokenExpiresIn ?? settings.tokenExpiresIn;
    const reusable = switches.tokenReusable ?? settings.tokenReusable;
    const { token, expiresAt } = await tokens.mint(user, { expiresIn, reusable });
    const original = switches.wire === 'original' || request.query.wire === 'original';
    succeed(response, {
      message: 'Token generated successfully',
      data: {
        token,
        expiresIn,
        expiresAt: new Date(expiresAt).toISOString(),
        reusable,
        ...(!original && { protocol: TWO_STAGE }),
      },
    });
  };
  const tokenFaults = settings.faults ? [faultyTokenRoute(faults)] : [];
  app.all('/token/ws', allow('POST', 'GET'), loggedIn, ...tokenFaults, tokenRoute);

  if (settings.faults) {
    app.get('/faults', showFaults(faults));
    app.post('/faults', json, changeFaults(options.faultRoutes));
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

/** Headers for every answer; the page may connect to nothing but this server. */
function securityHeaders(origins: () => Origins): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        // Not every browser takes 'self' to mean the same origin's ws: as well.
        connectSrc: ["'self'", () => origins().sockets().join(' ')],
        formAction: ["'self'"],
        frameAncestors: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        // The frameworks' transitions write style elements.
        styleSrc: ["'self'", "'unsafe-inline'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    // Whether there is TLS is for whoever ends it to say.
    strictTransportSecurity: false,
  });
}

/** Answers for one user, or with a secret in them, are nobody else's. */
const noStore: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store');
  next();
};

/** The upgrade's allow-list for HTTP: foreign pages are refused, not only kept from reading. */
function cors(origins: () => Origins): RequestHandler {
  return (request, response, next) => {
    response.vary('Origin');
    const origin = request.get('Origin');
    if (!origins().admits(origin)) {
      fail(response, 403, 'Origin not allowed');
      return;
    }
    if (origin !== undefined) {
      response.set('Access-Control-Allow-Origin', origin);
      response.set('Access-Control-Expose-Headers', 'Retry-After');
    }
    if (request.method !== 'OPTIONS') {
      next();
      return;
    }
    response.set('Access-Control-Allow-Methods', 'GET, POST');
    response.set('Access-Control-Allow-Headers', 'Authorization, Content-Type');
    response.set('Access-Control-Max-Age', '600');
    response.status(204).end();
  };
}

/** Refuses other methods: Express would answer HEAD with GET's handler, and mint a token. */
function allow(...methods: readonly string[]): RequestHandler {
  return (request, response, next) => {
    if (methods.includes(request.method)) {
      next();
      return;
    }
    response.set('Allow', methods.join(', '));
    fail(response, 405, 'Method not allowed');
  };
}

/** Lets a request with a good JWT in its `Authorization` header through (RFC 6750, section 2.1). */
function bearer(verify: VerifyJwt): RequestHandler {
  return async (request, response, next) => {
    const jwt = /^Bearer +([\w.~+/-]+=*)$/i.exec(request.get('Authorization') ?? '')?.[1];
    if (jwt === undefined) {
      response.set('WWW-Authenticate', 'Bearer');
      fail(response, 401, 'Unauthorized');
      return;
    }
    try {
      response.locals.identity = await verify(jwt);
    } catch {
      response.set('WWW-Authenticate', 'Bearer error="invalid_token"');
      fail(response, 401, 'Unauthorized');
      return;
    }
    next();
  };
}

/** Client errors of the body parser keep their status; the rest is ours, and stays here. */
function onError(log: Log): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const status: unknown = error?.status;
    if (typeof status === 'number' && status >= 400 && status < 500) {
      fail(response, status, 'Bad request');
      return;
    }
    log.error({ error }, 'a request failed');
    fail(response, 500, 'Internal server error');
  };
}
