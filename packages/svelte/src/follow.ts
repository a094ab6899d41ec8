import type { ReducedMessages, State, TwoStageSocket } from '@two-stage-socket/core';

/** The state of a socket that is held open while somebody looks at it. */
export function held({
  getSnapshot,
  retain,
  subscribe,
}: TwoStageSocket<any, any>): ReducedMessages<State> {
  return {
    getSnapshot,
    subscribe(listener) {
      const off = subscribe(listener);
      const release = retain();
      return () => {
        off();
        release();
      };
    },
  };
}

/** Runs `start` for what a store has, and again for what replaces it; what `start` returns stops that. */
export function follow<T>(
  store: { readonly subscribe: (run: (value: T) => void) => () => void },
  start: (value: T) => () => void,
): () => void {
  let current: T | undefined;
  let off: (() => void) | undefined;
  const stop = store.subscribe((value) => {
    // Stores tell of an object again that is still the same.
    if (value === current) return;
    current = value;
    off?.();
    off = start(value);
  });
  return () => {
    off?.();
    stop();
  };
}
