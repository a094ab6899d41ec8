import type { Environment } from './environment.ts';

/** A token as its owner gets it. */
export interface MintedToken {
  /** 256 random bits in base64url, which fits both a URL and a subprotocol (RFC 4648, section 5). */
  readonly token: string;
  /** When it stops being valid, in ms since the epoch. */
  readonly expiresAt: number;
}

/** How a token may be used. */
export interface TokenPolicy {
  /** For how many ms it is valid. */
  readonly expiresIn: number;
  /** Whether it admits more than one connection in that time. */
  readonly reusable: boolean;
}

/**
 * Keeps the tokens of the token stage. Everything is asynchronous, for stores that live in a
 * database. Where that is down, never came up, or hangs, an operation rejects with
 * `StoreUnavailable` in `STORE_TIMEOUT` ms or less, and works again once it is back.
 */
export interface TokenStore {
  /** Makes a token for a user. */
  mint(user: string, policy: TokenPolicy): Promise<MintedToken>;
  /**
   * Uses a token. Answers its user, or `undefined` for a token that is unknown, expired or spent.
   * Taking a single-use token and spending it are one atomic step: of any number of concurrent
   * calls, exactly one gets the user. Expiry is judged by the clock here, never left to a reaper.
   */
  take(token: string): Promise<string | undefined>;
  /** Makes all tokens, or all of one user, unusable. */
  revoke(user?: string): Promise<void>;
  /** Asks the database for a sign of life, for `/ready`. */
  check(): Promise<void>;
  /** Lets go of what the store itself opened. Never rejects, and never waits without a bound. */
  close(): Promise<void>;
}

interface TokenRecord {
  readonly user_id: string;
  readonly token_type: 'ws';
  readonly expires_at: number;
  readonly reusable: boolean;
}

const TOKEN_BYTES = 32;

/** Keeps tokens in this process: nothing to install, gone with a restart. */
export function memoryTokens(environment: Environment): TokenStore {
  const records = new Map<string, TokenRecord>();

  // A Map remembers the order of insertion, which is the order of expiry as long as the interval
  // stays the same: looking at the oldest is enough to keep memory bounded.
  function dropExpired(): void {
    for (const [token, record] of records) {
      if (record.expires_at > environment.now()) return;
      records.delete(token);
    }
  }

  return {
    async mint(user, { expiresIn, reusable }) {
      dropExpired();
      const token = Buffer.from(environment.randomBytes(TOKEN_BYTES)).toString('base64url');
      const expiresAt = environment.now() + expiresIn;
      records.set(token, { user_id: user, token_type: 'ws', expires_at: expiresAt, reusable });
      return { token, expiresAt };
    },

    async take(token) {
      const record = records.get(token);
      if (record === undefined) return undefined;
      const expired = record.expires_at <= environment.now();
      if (expired || !record.reusable) records.delete(token);
      return expired ? undefined : record.user_id;
    },

    async revoke(user) {
      for (const [token, record] of records) {
        if (user === undefined || record.user_id === user) records.delete(token);
      }
    },

    async check() {},
    async close() {},
  };
}
