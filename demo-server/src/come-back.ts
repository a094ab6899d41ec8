import type { Environment } from './environment.ts';

/** When to try again while something is full or down: at least this long, in ms, … */
const BUSY_LEAST = 1000;
/** … and spread over this long, so that a crowd does not come back as one. */
const BUSY_SPREAD = 4000;

/** ms until one who met a server that is full, or whose store is down, may come back. */
export const busyFor = (environment: Environment): number =>
  Math.round(BUSY_LEAST + environment.random() * BUSY_SPREAD);

/** ms over which a return is spread where nobody knows how fast clients may come back. */
export const defaultSpread = (drainTimeout: number): number => Math.max(drainTimeout, 1000);

/** ms until one who meets a server that is stopping may come back: each is told another time. */
export const comeBackIn = (environment: Environment, drainTimeout: number): number =>
  environment.random() * defaultSpread(drainTimeout);
