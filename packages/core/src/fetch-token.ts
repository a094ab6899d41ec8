import { headerDelay } from './failure.ts';
import type { Token, TokenContext } from './types.ts';

/** `RequestInit`, and the `fetch` to use in place of the global one. */
export interface FetchTokenInit extends Omit<RequestInit, 'signal'> {
  readonly fetch?: typeof fetch;
}

/**
 * The whole token stage for the usual case: a `getToken` that POSTs to the token route and reads its
 * answer, the envelope of PROTOCOL.md or a bare `{ token }` or `{ url }`.
 * @param init What goes with the request, the app's own authentication first of all. A function is asked
 * each time, so that it sees today's JWT.
 * @throws (the returned function) Error with `status`, and `retryAfter` in ms where the route said when
 * to come back; TypeError where the answer holds no token, or as `fetch` does.
 */
export function fetchToken(
  url: string | URL,
  init: FetchTokenInit | ((context: TokenContext) => FetchTokenInit | Promise<FetchTokenInit>) = {},
): (context: TokenContext) => Promise<Token> {
  return async (context) => {
    const { fetch = globalThis.fetch, ...request } =
      typeof init === 'function' ? await init(context) : init;
    const response = await fetch(url, {
      method: 'POST',
      cache: 'no-store',
      ...request,
      signal: context.signal,
    });
    const body = await response.json().catch(() => undefined);
    const data = body?.data ?? body;
    if (!response.ok) {
      const { status, headers } = response;
      throw Object.assign(new Error(`The token route answered ${status}`), {
        status,
        retryAfter: data?.retryAfter ?? headerDelay(headers.get('retry-after')),
      });
    }
    if (typeof (data?.token ?? data?.url) !== 'string') {
      throw new TypeError('The token route answered without a token: expected { data: { token } }');
    }
    return data;
  };
}
