import type { Environment } from './environment.ts';
import { type FanOut, memoryFanOut } from './fan-out.ts';
import { type UserLimiter, userRateLimiter } from './limits.ts';
import type { Log } from './log.ts';
import { connectRedis, type Redis } from './redis.ts';
import { redisFanOut } from './redis-fan-out.ts';
import { redisRevocations } from './redis-revocations.ts';
import { redisTokens } from './redis-tokens.ts';
import { memoryRevocations, type Revocations } from './revocations.ts';
import type { Settings } from './settings.ts';
import { memoryTokens, type TokenStore } from './tokens.ts';

/** What the processes of a server share, if there are several. */
export interface Services {
  readonly tokens: TokenStore;
  readonly fanOut: FanOut;
  readonly revocations: Revocations;
  /** ms until a user may have another token. */
  readonly tokenRate: UserLimiter;
  /** Lets go of all of them. Never rejects. */
  close(): Promise<void>;
}

/**
 * Opens what the settings name: `tokenStore` for the tokens, `fanOut` for everything else. Never
 * fails: what is down says so when it is used, and works once it is up.
 */
export function openServices(settings: Settings, environment: Environment, log: Log): Services {
  const { tokenStore, tokenExpiresIn, tokensPerMinute } = settings;
  const connections = new Map<string, Redis>();

  function redisAt(url: string): Redis {
    const redis = connections.get(url) ?? connectRedis(url, { log });
    connections.set(url, redis);
    return redis;
  }

  function openTokens(): TokenStore {
    if (tokenStore === 'memory') return memoryTokens(environment);
    if (isRedis(tokenStore)) return redisTokens(redisAt(tokenStore), environment);
    if (!/^mongodb(\+srv)?:/.test(tokenStore)) {
      throw new TypeError('Not a token store: expected memory, mongodb://… or redis://…');
    }
    // Mongoose takes a moment and 40 MB, for which those without MongoDB have no use.
    const module = import('./mongo-tokens.ts');
    return promisedTokens(
      module.then(({ mongoTokens }) =>
        mongoTokens(tokenStore, environment, { interval: tokenExpiresIn, log }),
      ),
    );
  }

  const tokens = openTokens();
  const broker = settings.fanOut ?? (isRedis(tokenStore) ? tokenStore : 'memory');
  const redis = broker === 'memory' ? undefined : redisAt(broker);
  return {
    tokens,
    fanOut: redis === undefined ? memoryFanOut() : redisFanOut(redis, log),
    revocations:
      redis === undefined ? memoryRevocations(environment) : redisRevocations(redis, environment),
    tokenRate: userRateLimiter(tokensPerMinute, redis),
    async close() {
      await tokens.close();
      await Promise.all([...connections.values()].map((connection) => connection.close()));
    },
  };
}

const isRedis = (store: string): boolean => /^rediss?:/.test(store);

/** A store that is about to be there. */
function promisedTokens(store: Promise<TokenStore>): TokenStore {
  // It is heard by who asks for something; unheard, it would end the process.
  store.catch(() => {});
  return {
    mint: async (user, policy) => (await store).mint(user, policy),
    take: async (token) => (await store).take(token),
    revoke: async (user) => (await store).revoke(user),
    check: async () => (await store).check(),
    close: () =>
      store.then(
        (opened) => opened.close(),
        () => {},
      ),
  };
}
