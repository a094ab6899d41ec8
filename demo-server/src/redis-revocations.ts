import type { Environment } from './environment.ts';
import type { Redis } from './redis.ts';
import type { Revocations } from './revocations.ts';

/** What may be chosen about revocations in Redis. */
export interface RedisRevocationsOptions {
  /** What the keys begin with. Default `two-stage:`. */
  readonly prefix?: string;
}

/** How much longer than the JWT a revocation is kept, in ms: the clock of a process may be behind. */
const CLOCK_MARGIN = 60_000;

/** Keeps revocations in Redis, for any number of processes. */
export function redisRevocations(
  redis: Redis,
  environment: Environment,
  { prefix = 'two-stage:' }: RedisRevocationsOptions = {},
): Revocations {
  const forbiddenKey = `${prefix}forbidden`;
  const revokedKey = (id: string): string => `${prefix}revoked:${id}`;
  return {
    async revoke({ id, expiresAt }) {
      const value = Math.ceil(expiresAt - environment.now()) + CLOCK_MARGIN;
      // It is refused as expired anyway.
      if (value <= 0) return;
      const expiration = { type: 'PX', value } as const;
      await redis.run((client) => client.set(revokedKey(id), '1', { expiration }));
    },
    async forbid(user) {
      await redis.run((client) => client.sAdd(forbiddenKey, user));
    },
    async readmit(user) {
      await redis.run((client) => client.sRem(forbiddenKey, user));
    },
    async check({ user, id }) {
      // Sent in one packet, as they are called in one turn.
      const [forbidden, revoked] = await redis.run((client) =>
        Promise.all([client.sIsMember(forbiddenKey, user), client.exists(revokedKey(id))]),
      );
      if (forbidden === 1) return 'forbidden';
      return revoked === 1 ? 'revoked' : 'good';
    },
  };
}
