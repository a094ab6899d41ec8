import { randomBytes } from 'node:crypto';

/** Stops what was started; calling it again, or too late, does nothing. */
export type Cancel = () => void;

/**
 * Everything the server takes from the world besides the network: two clocks, randomness and a
 * timer. Tests put fakes here, so none of them has to wait.
 */
export interface Environment {
  /** Wall-clock time in ms since the epoch, for what other machines read: JWTs and `expiresAt`. */
  now(): number;
  /** Monotonic time in ms from an arbitrary start, for rates: the wall clock may be set back. */
  elapsed(): number;
  /** A number in [0, 1), for spreading things out. Never for secrets. */
  random(): number;
  /** `size` bytes from a CSPRNG, for secrets. */
  randomBytes(size: number): Uint8Array;
  /** Calls back once after `delay` ms (at most `MAX_DELAY`). */
  after(delay: number, callback: () => void): Cancel;
}

/** The longest delay in ms that Node's timers take: a longer one would fire at once. */
export const MAX_DELAY = 2 ** 31 - 1;

/** The real world. */
export const systemEnvironment: Environment = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  random: () => Math.random(),
  randomBytes: (size) => randomBytes(size),
  after(delay, callback) {
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
};

/** Calls back every `interval` ms until cancelled; an interval of 0 means never. */
export function every(environment: Environment, interval: number, callback: () => void): Cancel {
  if (interval === 0) return () => {};
  let cancel: Cancel;
  const tick = (): void => {
    // Armed again before the callback, which may throw or cancel.
    cancel = environment.after(interval, tick);
    callback();
  };
  cancel = environment.after(interval, tick);
  return () => cancel();
}

/** Resolves when `promise` does, or after `delay` ms, whichever is first. */
export function atMost(
  environment: Environment,
  delay: number,
  promise: Promise<unknown>,
): Promise<void> {
  return new Promise((resolve) => {
    const cancel = environment.after(delay, resolve);
    void promise.then(() => {
      cancel();
      resolve();
    });
  });
}
