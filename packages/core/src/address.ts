import type { Options, Token } from './types.ts';

/** What a `WebSocket` is constructed with. */
export type Address = readonly [url: string, protocols: string[]];

/**
 * Puts the token where it travels. `base` is what a relative URL is relative to.
 * @throws TypeError when the URL cannot be parsed, or a token subprotocol has no real one beside it
 */
export function toAddress(
  given: string | URL,
  token: Token | undefined,
  { tokenIn = 'query', protocols = token?.protocol || [] }: Pick<Options, 'tokenIn' | 'protocols'>,
  base: string | undefined,
): Address {
  const offered = [protocols].flat() as string[];
  let url = toWebSocketUrl(given, base);
  if (token && !token.url) {
    if (typeof tokenIn === 'function') url = toWebSocketUrl(tokenIn(url, token.token), base);
    else if (tokenIn === 'subprotocol') {
      // A server never selects the token's entry, and a browser fails a connection whose offer came to nothing.
      if (!offered.length) throw new TypeError('no protocols');
      offered.push(`token.${token.token}`);
    } else {
      const name = tokenIn === 'query' ? 'token' : tokenIn.query;
      const query = `${encodeURIComponent(name)}=${encodeURIComponent(token.token)}`;
      url += (url.includes('?') ? '&' : '?') + query;
    }
  }
  return [url, offered];
}

/** Older browsers take neither relative nor `http:` URLs, and many no fragment. */
function toWebSocketUrl(given: string | URL, base: string | undefined): string {
  return new URL(given, base).href.replace(/^http/, 'ws').replace(/#.*/, '');
}
