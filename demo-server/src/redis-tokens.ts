import type { Environment } from './environment.ts';
import type { Redis } from './redis.ts';
import { StoreUnavailable } from './store-unavailable.ts';
import { randomToken, type TokenRecord, type TokenStore, tokenKey } from './tokens.ts';

/** What may be chosen about tokens in Redis. */
export interface RedisTokensOptions {
  /** What its keys begin with. Default `two-stage:`. */
  readonly prefix?: string;
}

/** How far apart the clocks of processes may be, in ms, before `revoke` misses a token. */
const CLOCK_SKEW = 60_000;

/** How many keys Redis looks at in one step when all tokens are revoked. */
const SCAN_COUNT = 1000;

/**
 * Keeps tokens in Redis 7 or newer, for any number of processes. The connection stays the caller's
 * to close.
 *
 * A token is one key, `token:once:<hash>` or `token:many:<hash>`, by whether it is reusable. To
 * take it is to ask for both in one round trip: `GETDEL` for the former, `GET` for the latter. Each
 * is atomic and only one of them can find anything, so no script is needed. Redis deletes a key
 * when its token expires; as its clock is another, that is not relied upon.
 *
 * `tokens-of:<user>` is a sorted set of the keys of a user's tokens by the time they expire, for
 * `revoke`. It is made in one transaction with the token, loses what has long expired whenever there
 * is another token, and expires with the last one.
 */
export function redisTokens(
  redis: Redis,
  environment: Environment,
  options: RedisTokensOptions = {},
): TokenStore {
  const { prefix = 'two-stage:' } = options;
  const tokenPrefix = `${prefix}token:`;
  const once = (key: string): string => `${tokenPrefix}once:${key}`;
  const many = (key: string): string => `${tokenPrefix}many:${key}`;
  const tokensOf = (user: string): string => `${prefix}tokens-of:${user}`;

  return {
    async mint(user, { expiresIn, reusable }) {
      const token = randomToken(environment);
      const now = environment.now();
      const expiresAt = now + expiresIn;
      const hash = tokenKey(token) as string;
      const key = reusable ? many(hash) : once(hash);
      const index = tokensOf(user);
      const record: TokenRecord = {
        user_id: user,
        token_type: 'ws',
        expires_at: expiresAt,
        reusable,
      };
      const [isNew] = await redis.run((client) =>
        client
          .multi()
          .set(key, JSON.stringify(record), {
            expiration: { type: 'PX', value: expiresIn },
            condition: 'NX',
          })
          .zRemRangeByScore(index, '-inf', now - CLOCK_SKEW)
          .zAdd(index, { score: expiresAt, value: key })
          // `GT` takes a key without an expiry for one that lives for ever.
          .pExpire(index, expiresIn, 'NX')
          .pExpire(index, expiresIn, 'GT')
          .exec(),
      );
      if (isNew === null) throw new StoreUnavailable('Redis', 'TOKEN_EXISTS');
      return { token, expiresAt };
    },

    async take(token) {
      const key = tokenKey(token);
      if (key === undefined) return undefined;
      return redis.run(async (client) => {
        const both = [client.getDel(once(key)), client.get(many(key))];
        const [single, reusable] = await Promise.all(both);
        const found = single ?? reusable;
        if (typeof found !== 'string') return undefined;
        const record: TokenRecord = JSON.parse(found);
        if (record.expires_at > environment.now()) return record.user_id;
        // For the day that a clock is set back.
        if (record.reusable) await client.del(many(key));
        return undefined;
      });
    },

    async revoke(user) {
      await redis.run(async (client) => {
        if (user === undefined) {
          const MATCH = `${tokenPrefix.replaceAll(/[*?[\]\\]/g, '\\$&')}*`;
          for await (const keys of client.scanIterator({ MATCH, COUNT: SCAN_COUNT })) {
            if (keys.length > 0) await client.unlink(keys);
          }
          return;
        }
        const index = tokensOf(user);
        const keys = await client.zRange(index, 0, -1);
        // Only what was read: a token may have been added meanwhile, which is not meant.
        if (keys.length > 0) await client.multi().unlink(keys).zRem(index, keys).exec();
      });
    },

    check: () => redis.check(),
    async close() {},
  };
}
