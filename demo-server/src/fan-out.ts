import type { Cancel } from './environment.ts';
import type { Identity } from './jwt.ts';

/** What every process of the server has to hear of, the one that publishes it included. */
export type Notice =
  /** For all ready connections. */
  | { readonly kind: 'broadcast'; readonly message: unknown }
  /** For one user's, wherever they are. */
  | { readonly kind: 'message'; readonly user: string; readonly message: unknown }
  /** A user logged out: that JWT is refused, all of the user's connections end. */
  | { readonly kind: 'logout'; readonly identity: Identity }
  /** A user may not come in any more, or again. */
  | { readonly kind: 'forbid' | 'readmit'; readonly user: string };

/** Carries notices to every process. Asynchronous, for brokers; one that is down rejects. */
export interface FanOut {
  publish(notice: Notice): Promise<void>;
  subscribe(listener: (notice: Notice) => void): Cancel;
  /** Calls back when the broker is there again: notices may have been missed meanwhile. */
  onRecovery(listener: () => void): Cancel;
  /**
   * For what one of all processes does every `interval` ms: the number of this turn, counted from
   * 1, if it is this process's, and `undefined` if another one has it.
   */
  turn(interval: number): Promise<number | undefined>;
  /** Rejects if the broker does not answer in time. */
  check(): Promise<void>;
}

/** The fan-out of a single process. */
export function memoryFanOut(): FanOut {
  const listeners = new Set<(notice: Notice) => void>();
  let turns = 0;
  return {
    async publish(notice) {
      for (const listener of listeners) listener(notice);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onRecovery: () => () => {},
    async turn() {
      turns += 1;
      return turns;
    },
    async check() {},
  };
}
