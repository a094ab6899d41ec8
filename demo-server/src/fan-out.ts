import type { Cancel } from './environment.ts';
import type { Identity } from './jwt.ts';

/** What every process of the server has to hear of, the one that publishes it included. */
export type Notice =
  | { readonly kind: 'broadcast'; readonly message: unknown }
  | { readonly kind: 'logout'; readonly identity: Identity };

/** Carries notices to every process. Asynchronous, for brokers; one that is down rejects. */
export interface FanOut {
  publish(notice: Notice): Promise<void>;
  subscribe(listener: (notice: Notice) => void): Cancel;
}

/** The fan-out of a single process. */
export function memoryFanOut(): FanOut {
  const listeners = new Set<(notice: Notice) => void>();
  return {
    async publish(notice) {
      for (const listener of listeners) listener(notice);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
