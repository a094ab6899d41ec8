import type { Options, Token } from './types.ts';

/** What a `WebSocket` is constructed with. */
export interface Address {
  readonly url: string;
  readonly protocols: string[];
}

/**
 * Puts the token where it travels. `base` is what a relative URL is relative to.
 * @throws TypeError when the URL cannot be parsed, or a token subprotocol has no real one beside it
 */
export function toAddress(
  given: string | URL,
  token: Token | undefined,
  { tokenIn = 'query', protocols = token?.protocol ?? [] }: Pick<Options, 'tokenIn' | 'protocols'>,
  base: string | undefined,
): Address {
  const offered = typeof protocols === 'string' ? [protocols] : [...protocols];
  const address = { url: toWebSocketUrl(given, base), protocols: offered };
  if (!token) return address;

  if (tokenIn === 'subprotocol') {
    // A server echoes no `token.` entry, and browsers fail a connection that offered and got none.
    if (!offered.length) throw new TypeError("tokenIn 'subprotocol' needs `protocols` as well");
    offered.push(`token.${token.token}`);
  } else if (typeof tokenIn === 'function') {
    address.url = toWebSocketUrl(tokenIn(address.url, token.token), base);
  } else {
    const name = tokenIn === 'query' ? 'token' : tokenIn.query;
    const separator = address.url.includes('?') ? '&' : '?';
    address.url += `${separator}${encodeURIComponent(name)}=${encodeURIComponent(token.token)}`;
  }
  return address;
}

/** Older browsers take neither relative nor `http:` URLs, and none takes a fragment (WHATWG WebSockets section 3.1). */
function toWebSocketUrl(given: string | URL, base: string | undefined): string {
  return new URL(given, base).href.replace(/^http/, 'ws').replace(/#.*/, '');
}
