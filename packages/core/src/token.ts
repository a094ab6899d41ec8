import type { Options, Token, TokenContext } from './types.ts';

/** A token that was fetched, and what became of it. */
interface Hand {
  readonly token: Token;
  readonly expiresAt: number;
  dialled: boolean;
  opened: boolean;
}

/** How long a doubt about tokens is not raised again, unless a connection opens: ms. */
const doubtInterval = 60_000;

/** The token in hand: fetched, used, and given up by what happens to the connections it opens. */
export interface Tokens {
  /** The token of the attempt before, for `getToken` to see. */
  previous(): Token | undefined;
  /** The token in hand, if a retry may use it again. */
  reuse(tokenRetry: Options['tokenRetry']): Token | undefined;
  /** Asks the app for a fresh one. Rejects with what `getToken` throws. */
  fetch(getToken: NonNullable<Options['getToken']>, context: TokenContext): Promise<Token>;
  /** The token in hand goes out with an upgrade. Returns whether it has been out before. */
  dial(): boolean;
  opened(): void;
  /**
   * An upgrade with a token that had been out before came to nothing. A browser shows a refused token
   * as it shows a broken network, so the token is given up, but not each time: an outage would fetch
   * one token for every two tries. Returns whether it was.
   */
  doubt(): boolean;
  /** The server refused what the token opened: the next attempt needs a fresh one. */
  drop(): void;
  /** Another user may be next. */
  forget(): void;
}

export function createTokens(now: () => number): Tokens {
  let hand: Hand | undefined;
  let previous: Token | undefined;
  let nextDoubt = 0;

  const drop = () => {
    hand = undefined;
  };

  return {
    previous: () => previous,
    reuse: (tokenRetry) => (hand && mayReuse(hand, tokenRetry, now()) ? hand.token : undefined),
    async fetch(getToken, context) {
      drop();
      const askedAt = now();
      const token = toToken(await getToken(context));
      if (context.signal.aborted) return token;
      previous = token;
      hand = { token, expiresAt: expiry(token, askedAt), dialled: false, opened: false };
      return token;
    },
    dial() {
      const again = hand?.dialled ?? false;
      if (hand) hand.dialled = true;
      return again;
    },
    opened() {
      if (hand) hand.opened = true;
      nextDoubt = 0;
    },
    doubt() {
      if (now() < nextDoubt) return false;
      nextDoubt = now() + doubtInterval;
      drop();
      return true;
    },
    drop,
    forget() {
      drop();
      previous = undefined;
      nextDoubt = 0;
    },
  };
}

function mayReuse(
  { token, expiresAt, opened }: Hand,
  tokenRetry: Options['tokenRetry'],
  now: number,
): boolean {
  const policy = tokenRetry ?? (token.reusable ? 'reuse' : 'refresh');
  const spent = opened && token.reusable === false;
  return policy === 'reuse' && !spent && now < expiresAt;
}

/** Counted from the moment it was asked for, the server's clock having started no earlier. */
function expiry({ expiresIn, expiresAt }: Token, askedAt: number): number {
  if (typeof expiresIn === 'number') return askedAt + expiresIn;
  const date = expiresAt === undefined ? Number.NaN : new Date(expiresAt).getTime();
  return Number.isNaN(date) ? Number.POSITIVE_INFINITY : date;
}

function toToken(given: unknown): Token {
  const token = typeof given === 'string' ? { token: given } : given;
  if (typeof (token as Token | undefined)?.token !== 'string' || !(token as Token).token) {
    throw new TypeError('getToken gave neither a token nor an object with one as `token`');
  }
  return token as Token;
}
