import { createHash, timingSafeEqual } from 'node:crypto';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import helmet from 'helmet';
import { busyFor } from './come-back.ts';
import { fail } from './envelope.ts';
import type { Environment } from './environment.ts';
import { Forbidden, type Identity, Unverifiable, type VerifyJwt } from './jwt.ts';
import type { Log } from './log.ts';
import type { Origins } from './origins.ts';
import { kindOf, StoreUnavailable } from './store-unavailable.ts';

declare global {
  namespace Express {
    interface Locals {
      /** Who the request comes from, behind `bearer`. */
      identity: Identity;
    }
  }
}

/** Headers for every answer; the page may connect to nothing but this server. */
export function securityHeaders(origins: () => Origins): RequestHandler {
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
export const noStore: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store');
  next();
};

/** Refuses other methods: Express would answer HEAD with GET's handler, and mint a token. */
export function allow(...methods: readonly string[]): RequestHandler {
  return (request, response, next) => {
    if (methods.includes(request.method)) {
      next();
      return;
    }
    response.set('Allow', methods.join(', '));
    fail(response, 405, 'Method not allowed');
  };
}

/** What `Authorization: Bearer …` holds (RFC 6750, section 2.1). */
function bearerOf(request: Request): string | undefined {
  return /^Bearer +([\w.~+/-]+=*)$/i.exec(request.get('Authorization') ?? '')?.[1];
}

function unauthorized(response: Response, challenge: string): void {
  response.set('WWW-Authenticate', challenge);
  fail(response, 401, 'Unauthorized');
}

/** Lets a request with a good JWT in its `Authorization` header through. */
export function bearer(verify: VerifyJwt, environment: Environment, log: Log): RequestHandler {
  return async (request, response, next) => {
    const jwt = bearerOf(request);
    if (jwt === undefined) {
      unauthorized(response, 'Bearer');
      return;
    }
    try {
      response.locals.identity = await verify(jwt);
    } catch (error) {
      if (error instanceof Forbidden) fail(response, 403, 'Forbidden');
      else if (error instanceof Unverifiable) {
        log.error({ error, reason: kindOf(error.cause) }, 'a JWT could not be verified');
        fail(response, 503, 'JWTs cannot be checked at the moment', busyFor(environment));
      } else unauthorized(response, 'Bearer error="invalid_token"');
      return;
    }
    next();
  };
}

/** Lets a request with the operator's token through; in a time that tells nothing of it. */
export function operatorOnly(operatorToken: string): RequestHandler {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(operatorToken);
  return (request, response, next) => {
    if (timingSafeEqual(digest(bearerOf(request) ?? ''), expected)) next();
    else unauthorized(response, 'Bearer');
  };
}

/**
 * Client errors of the body parser keep their status; what a database is missing for can be had
 * later; the rest is ours, and stays here.
 */
export function onError(log: Log, environment: Environment): ErrorRequestHandler {
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
    if (error instanceof StoreUnavailable) {
      fail(response, 503, 'This cannot be done at the moment', busyFor(environment));
      return;
    }
    fail(response, 500, 'Internal server error');
  };
}
