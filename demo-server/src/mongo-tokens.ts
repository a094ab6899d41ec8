import type { Environment } from './environment.ts';
import type { Log } from './log.ts';
import type { TokenStore } from './tokens.ts';

/** What may be chosen about tokens in MongoDB. */
export interface MongoTokensOptions {
  /** The life of an ordinary token, in ms: when MongoDB may forget one. */
  readonly interval: number;
  /** Hears once that MongoDB is up or down. Default: silence. */
  readonly log?: Log;
  /** ms that an operation may take. Default: `STORE_TIMEOUT`. */
  readonly timeout?: number;
}

/** Keeps tokens in MongoDB, for any number of processes. Connects in the background. */
export declare function mongoTokens(
  url: string,
  environment: Environment,
  options: MongoTokensOptions,
): TokenStore;
