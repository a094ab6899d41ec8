import type { Settings } from './options.ts';
import type { Context, Options, Token } from './types.ts';

/** The token in hand: fetched, used, and given up by what becomes of the connections it opens. */
export interface Tokens {
  /** When the token in hand expires, by `environment.now`. */
  readonly expiresAt: number;
  /** The token in hand, if an attempt may use it: one that has not been out, or may go out again. */
  reuse(): Token | undefined;
  /** Asks the app for a fresh one. Rejects with what `getToken` throws. */
  fetch(getToken: NonNullable<Options['getToken']>, context: Context): Promise<Token>;
  /** The token in hand goes out with an upgrade. Returns whether it has been out before. */
  dial(): boolean;
  opened(): void;
  /**
   * An upgrade came to nothing though the token had been out before. A browser shows a refused token
   * as it shows a broken network, so the token is given up, but not each time: an outage would cost a
   * token for every two tries. Returns whether it was.
   */
  doubt(): boolean;
  /** The next attempt needs a fresh one. */
  drop(): void;
}

export function createTokens(settings: Settings): Tokens {
  /** How long a doubt about the token in hand rules out another, unless a connection opens: ms. */
  const doubtInterval = 60_000;

  let inHand: Token | undefined;
  let previous: Token | undefined;
  let expiresAt = 0;
  let dialled = false;
  let opened = false;
  let doubtedAt = Number.NaN;

  const drop = () => {
    inHand = undefined;
  };

  return {
    get expiresAt() {
      return expiresAt;
    },
    reuse() {
      const policy = settings.tokenRetry ?? (inHand?.reusable ? 'reuse' : 'refresh');
      const spent = opened && inHand?.reusable === false;
      const usable = !dialled || (policy === 'reuse' && !spent);
      return usable && settings.environment.now() < expiresAt ? inHand : undefined;
    },
    async fetch(getToken, context) {
      const askedAt = settings.environment.now();
      drop();
      const token = toToken(await getToken({ ...context, previous }), settings);
      if (!context.signal.aborted) {
        inHand = previous = token;
        const { expiresIn, expiresAt: at } = token;
        const said = at ? +new Date(at) : 1 / 0;
        // Counted from when it was asked for: its server's clock has started no earlier. One whose time
        // cannot be read is none to go by.
        expiresAt = (typeof expiresIn === 'number' ? askedAt + expiresIn : said) || 0;
        dialled = opened = false;
      }
      return token;
    },
    dial() {
      const again = dialled;
      dialled = true;
      return again;
    },
    opened() {
      opened = true;
      doubtedAt = Number.NaN;
    },
    doubt() {
      const now = settings.environment.now();
      // Either way, since the clock may have been set back meanwhile.
      if (Math.abs(now - doubtedAt) < doubtInterval) return false;
      doubtedAt = now;
      drop();
      return true;
    },
    drop,
  };
}

function toToken(given: any, { url }: Settings): Token {
  const bare = typeof given === 'string' ? { token: given } : given;
  const token = bare?.token ? bare : { ...bare, token: bare?.url };
  if (!token.token || typeof token.token !== 'string' || !(url || token.url)) {
    throw new TypeError(
      `getToken gave no ${url ? 'token: expected a string, { token } or' : 'url: expected'} { url }`,
    );
  }
  return token;
}
