import type { Environment } from './environment.ts';

/** Says how long to wait, in ms, before the next one is allowed; 0 when it is allowed now. */
export type Limiter = () => number;

/**
 * Allows `burst` at once and `perSecond` on average; a rate of 0 allows everything. It is the
 * "generic cell rate algorithm": all it remembers is when it will have recovered completely.
 */
export function rateLimiter(environment: Environment, perSecond: number, burst: number): Limiter {
  if (perSecond === 0) return () => 0;
  const step = 1000 / perSecond;
  let recovered = 0;
  return () => {
    const now = environment.elapsed();
    const next = Math.max(recovered, now) + step;
    const wait = next - now - burst * step;
    if (wait > 0) return Math.ceil(wait);
    recovered = next;
    return 0;
  };
}

const MINUTE = 60_000;

/** Allows `perMinute` to each user: all at once after a minute's rest. 0 allows everything. */
export function userRateLimiter(
  environment: Environment,
  perMinute: number,
): (user: string) => number {
  const limiters = new Map<string, { limit: Limiter; usedAt: number }>();
  return (user) => {
    const now = environment.elapsed();
    // Kept in order of use, so those that have rested a minute, and so are full again, are first.
    for (const [name, { usedAt }] of limiters) {
      if (now - usedAt < MINUTE) break;
      limiters.delete(name);
    }
    const limit = limiters.get(user)?.limit ?? rateLimiter(environment, perMinute / 60, perMinute);
    limiters.delete(user);
    limiters.set(user, { limit, usedAt: now });
    return limit();
  };
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
