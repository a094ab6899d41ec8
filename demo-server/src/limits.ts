import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
} from 'rate-limiter-flexible';
import type { Environment } from './environment.ts';
import type { Redis } from './redis.ts';
import { reach, STORE_TIMEOUT } from './store-unavailable.ts';

/** Says how long to wait, in ms, before the next one is allowed; 0 when it is allowed now. */
export type Limiter = () => number;

/** All that is remembered of somebody whose rate is limited. */
export interface Recovery {
  /** When it will be complete, in ms by `Environment.elapsed`; 0 to begin with. */
  recovered: number;
}

/**
 * Allows `burst` at once and `perSecond` on average to each who asks; a rate of 0 allows everything.
 * It is the "generic cell rate algorithm". It is asked for every frame, in order, so it has to
 * answer at once: libraries answer with promises.
 */
export function sharedLimiter(
  environment: Environment,
  perSecond: number,
  burst: number,
): (who: Recovery) => number {
  if (perSecond === 0) return () => 0;
  const step = 1000 / perSecond;
  return (who) => {
    const now = environment.elapsed();
    const next = Math.max(who.recovered, now) + step;
    const wait = next - now - burst * step;
    if (wait > 0) return Math.ceil(wait);
    who.recovered = next;
    return 0;
  };
}

/** A {@link sharedLimiter} of one's own. */
export function rateLimiter(environment: Environment, perSecond: number, burst: number): Limiter {
  const limit = sharedLimiter(environment, perSecond, burst);
  const who = { recovered: 0 };
  return () => limit(who);
}

/** Says how long a user has to wait, in ms, before the next one is allowed; 0 when it is now. */
export type UserLimiter = (user: string) => Promise<number>;

/**
 * Allows `perMinute` to each user in each minute; 0 allows everything. With Redis the minute is
 * shared by all processes; while that is down, each has its own.
 */
export function userRateLimiter(perMinute: number, redis?: Redis): UserLimiter {
  if (perMinute === 0) return async () => 0;
  const minute = { points: perMinute, duration: 60 };
  const own = new RateLimiterMemory(minute);
  if (redis === undefined) return (user) => consume(own, user);
  const shared = new RateLimiterRedis({
    ...minute,
    storeClient: redis.client,
    useRedisPackage: true,
    keyPrefix: 'two-stage:rate',
    rejectIfRedisNotReady: true,
  });
  return async (user) => {
    try {
      // The library itself would wait for a Redis that hangs.
      return await reach('Redis', STORE_TIMEOUT, () => consume(shared, user));
    } catch {
      return consume(own, user);
    }
  };
}

async function consume(limiter: RateLimiterAbstract, user: string): Promise<number> {
  try {
    await limiter.consume(user);
    return 0;
  } catch (rejection) {
    if (rejection instanceof RateLimiterRes) return Math.max(1, rejection.msBeforeNext);
    throw rejection;
  }
}

/** A bounded number of places. */
export interface Places {
  /** Takes a place and answers how to leave it (once, however often called), if there is one. */
  enter(): (() => void) | undefined;
  /** How many are taken. */
  readonly taken: number;
}

/** `most` places; 0 means as many as come. */
export function createPlaces(most: number): Places {
  let taken = 0;
  return {
    enter() {
      if (most > 0 && taken >= most) return undefined;
      taken += 1;
      let here = true;
      return () => {
        if (here) taken -= 1;
        here = false;
      };
    },
    get taken() {
      return taken;
    },
  };
}

/** How many of something each user has. */
export interface UserCount {
  /** Counts one more, and answers how to count it no more (once, however often called). */
  enter(user: string): () => void;
  of(user: string): number;
}

export function countByUser(): UserCount {
  const counts = new Map<string, number>();
  const of = (user: string): number => counts.get(user) ?? 0;
  return {
    enter(user) {
      counts.set(user, of(user) + 1);
      let here = true;
      return () => {
        if (!here) return;
        here = false;
        if (of(user) > 1) counts.set(user, of(user) - 1);
        else counts.delete(user);
      };
    },
    of,
  };
}
