/** The origins whose pages may use the server: the same for the upgrade and for CORS. */
export interface Origins {
  /**
   * Whether a request with this `Origin` header is let in. A missing one is: browsers always send
   * it with an upgrade and never let a page forge it, and other clients have no ambient
   * credentials to abuse (RFC 6455, section 10.2). `null`, the origin of sandboxed frames, is not.
   */
  admits(origin: string | undefined): boolean;
  /**
   * The WebSocket origins behind the same addresses, for the page's Content-Security-Policy: but
   * for IPv6 addresses, which a policy cannot spell (CSP Level 3, section 2.3.1).
   */
  sockets(): readonly string[];
}

/**
 * An allow-list of exact origins. No wildcard and no suffixes: those are how allow-lists leak.
 *
 * @throws {TypeError} for an entry that no `Origin` header could ever be, like one with a path
 */
export function allowOrigins(list: Iterable<string>): Origins {
  const allowed = new Set(list);
  for (const entry of allowed) {
    const isOrigin = !entry.includes('*') && URL.canParse(entry) && new URL(entry).origin === entry;
    if (isOrigin) continue;
    throw new TypeError(
      `The origin ${JSON.stringify(entry)} is none; expected one like https://app.example`,
    );
  }
  return {
    admits: (origin) => origin === undefined || allowed.has(origin),
    sockets: () =>
      [...allowed]
        .filter((origin) => !origin.includes('['))
        .map((origin) => origin.replace(/^http/, 'ws')),
  };
}

/** An allow-list, or what answers it, for a server that knows its own origins once it listens. */
export type GivenOrigins = readonly string[] | (() => Origins);

/** The allow-list of either. */
export function originsOf(given: GivenOrigins): () => Origins {
  if (typeof given === 'function') return given;
  const origins = allowOrigins(given);
  return () => origins;
}

/** The server's own origins: the address it listens on, and this machine's usual names. */
export function ownOrigins(host: string, port: number): string[] {
  const names = new Set([bracket(host), 'localhost', '127.0.0.1', '[::1]']);
  return [...names].flatMap((name) =>
    // Through URL, because an origin leaves out its scheme's default port.
    ['http', 'https'].map((scheme) => new URL(`${scheme}://${name}:${port}`).origin),
  );
}

/** An address as URLs want it: IPv6 in brackets (RFC 3986, section 3.2.2). */
export function bracket(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
