import type { Environment } from './environment.ts';
import type { Limiter } from './limits.ts';

/** A caller whose slot is this near, in ms, is let in at once. */
const NEAR = 1000;

/**
 * Spreads out a stampede without remembering anybody: callers within `rate` a second (and a
 * second's worth in a burst) are let in; each one above it is given the next free slot of its own,
 * `rate` of them a second. Who comes back in its slot finds the rate kept. Measured against backoff
 * alone, everybody is back sooner and is refused once instead of four times.
 *
 * @param rate connections a second; 0 lets everybody in
 */
export function createAdmission(environment: Environment, rate: number): Limiter {
  if (rate === 0) return () => 0;
  const step = 1000 / rate;
  let admitted = 0;
  let next = 0;
  return () => {
    const now = environment.elapsed();
    const slot = Math.max(admitted, now) + step;
    if (slot - now <= Math.max(NEAR, step)) {
      admitted = slot;
      next = Math.max(next, slot);
      return 0;
    }
    next = Math.max(next, now) + step;
    return Math.ceil(next - now);
  };
}
