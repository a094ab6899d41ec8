import { type Cancel, systemEnvironment } from './environment.ts';
import type { Log } from './log.ts';
import { kindOf } from './store-unavailable.ts';

/** Says once that a database is up, or down and why, however often it is told. */
export function tellOfState(store: string, log: Log): (up: boolean, error?: unknown) => void {
  let wasUp: boolean | undefined;
  return (up, error) => {
    if (wasUp === up) return;
    wasUp = up;
    if (up) log.info({}, `${store} is up`);
    else log.error({ reason: kindOf(error) }, `${store} is down`);
  };
}

/** A pause between two attempts that can be cut short. The time is real: so is the database. */
export interface Pause {
  /** Resolves after `delay` ms, or when it is cut short. */
  take(delay: number): Promise<void>;
  /** Cuts short what is being waited for, if anything is. */
  cut: Cancel;
}

export function createPause(): Pause {
  let cut: Cancel = () => {};
  return {
    take: (delay) =>
      new Promise((resolve) => {
        const cancel = systemEnvironment.after(delay, resolve);
        cut = () => {
          cancel();
          resolve();
        };
      }),
    cut: () => cut(),
  };
}
