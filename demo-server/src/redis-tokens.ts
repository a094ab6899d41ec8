import type { Environment } from './environment.ts';
import type { Redis } from './redis.ts';
import type { TokenStore } from './tokens.ts';

export interface RedisTokensOptions {
  /** What the keys begin with. Default `two-stage:`. */
  readonly prefix?: string;
}

/** Keeps tokens in Redis, for any number of processes. The connection stays the caller's to close. */
export declare function redisTokens(
  redis: Redis,
  environment: Environment,
  options?: RedisTokensOptions,
): TokenStore;
