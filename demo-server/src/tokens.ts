import { hash } from 'node:crypto';
import { type Environment, systemEnvironment } from './environment.ts';

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

/** What is kept of a token, under the names that the pattern gives it. */
export interface TokenRecord {
  readonly user_id: string;
  readonly token_type: 'ws';
  /** In ms since the epoch. */
  readonly expires_at: number;
  readonly reusable: boolean;
}

const TOKEN_BYTES = 32;
const TOKEN_SHAPE = /^[\w-]{43}$/;

/** Makes up a token. */
export function randomToken(environment: Environment): string {
  return Buffer.from(environment.randomBytes(TOKEN_BYTES)).toString('base64url');
}

/**
 * What a store knows a token by: its SHA-256. What leaks out of a database admits nobody, and what
 * comes from outside never gets into a query. A plain hash is enough, as a token is random: there
 * is nothing to guess. `undefined` for everything that cannot be a token, whatever its type.
 */
export function tokenKey(token: unknown): string | undefined {
  if (typeof token !== 'string' || !TOKEN_SHAPE.test(token)) return undefined;
  return hash('sha256', token, 'base64url');
}

/** Keeps tokens in this process: nothing to install, gone with a restart. */
export function memoryTokens(environment: Environment = systemEnvironment): TokenStore {
  const records = new Map<string | undefined, TokenRecord>();

  // A Map remembers the order of insertion, which is the order of expiry as long as the interval
  // stays the same: looking at the oldest is enough to keep memory bounded.
  function dropExpired(): void {
    for (const [key, record] of records) {
      if (record.expires_at > environment.now()) return;
      records.delete(key);
    }
  }

  return {
    async mint(user, { expiresIn, reusable }) {
      dropExpired();
      const token = randomToken(environment);
      const expiresAt = environment.now() + expiresIn;
      const record: TokenRecord = {
        user_id: user,
        token_type: 'ws',
        expires_at: expiresAt,
        reusable,
      };
      records.set(tokenKey(token), record);
      return { token, expiresAt };
    },

    async take(token) {
      const key = tokenKey(token);
      const record = records.get(key);
      if (record === undefined) return undefined;
      const expired = record.expires_at <= environment.now();
      if (expired || !record.reusable) records.delete(key);
      return expired ? undefined : record.user_id;
    },

    async revoke(user) {
      for (const [key, record] of records) {
        if (user === undefined || record.user_id === user) records.delete(key);
      }
    },

    async check() {},
    async close() {},
  };
}
