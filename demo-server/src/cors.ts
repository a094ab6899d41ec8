import type { IncomingMessage, ServerResponse } from 'node:http';
import { failure } from './envelope.ts';
import { type GivenOrigins, originsOf } from './origins.ts';

/**
 * What comes before a route, as Express has it: `next` goes on, and is not called when the request
 * has been answered.
 */
export type Before = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/**
 * The upgrade's allow-list for HTTP (PROTOCOL.md section 3.5): foreign pages are refused, not only
 * kept from reading. Before whatever checks the JWT, for a preflight has none, and so that a page
 * can read a 401 as well. In Fastify it goes into an `onRequest` hook, with `request.raw` and
 * `reply.raw`.
 */
export function cors(given: GivenOrigins): Before {
  const origins = originsOf(given);
  return (request, response, next) => {
    response.appendHeader('Vary', 'Origin');
    const { origin } = request.headers;
    if (!origins().admits(origin)) {
      response.statusCode = 403;
      response.setHeader('Content-Type', 'application/json; charset=utf-8');
      response.end(JSON.stringify(failure('Origin not allowed')));
      return;
    }
    if (origin !== undefined) {
      response.setHeader('Access-Control-Allow-Origin', origin);
      response.setHeader('Access-Control-Expose-Headers', 'Retry-After');
    }
    if (request.method !== 'OPTIONS') {
      next();
      return;
    }
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST');
    response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type');
    response.setHeader('Access-Control-Max-Age', '600');
    response.statusCode = 204;
    response.end();
  };
}
