type Listener<T> = (payload: T) => void;

interface Entry {
  /** None any more, once it was asked to stop: also for what is being told of. */
  listener: Listener<any> | undefined;
}

export interface Emitter<E> {
  on<K extends keyof E>(event: K, listener: Listener<E[K]>): () => void;
  /**
   * Tells those who listen now of the event. Events that a listener causes wait until everyone has heard
   * the one before, so that all listeners see one history.
   */
  emit<K extends keyof E>(event: K, payload: E[K]): void;
  /** Runs `action`, and only then tells of what it emitted. */
  batch(action: () => void): void;
  /** Takes back what was emitted and nobody has heard yet, other than what is `kept`. */
  retract(...kept: (keyof E)[]): void;
}

export function createEmitter<E>(): Emitter<E> {
  const entries: { [K in keyof E]?: readonly Entry[] } = {};
  let pending: { event: keyof E; heard: readonly Entry[]; payload: unknown }[] = [];
  let busy = false;

  const batch = (action: () => void) => {
    if (busy) return action();
    busy = true;
    try {
      action();
    } finally {
      for (let next = pending.shift(); next; next = pending.shift()) {
        for (const entry of next.heard) {
          try {
            entry.listener?.(next.payload);
          } catch (error) {
            reportUncaught(error);
          }
        }
      }
      busy = false;
    }
  };

  return {
    on(event, listener) {
      const entry: Entry = { listener };
      entries[event] = [...(entries[event] ?? []), entry];
      return () => {
        entry.listener = undefined;
        entries[event] = (entries[event] ?? []).filter((other) => other !== entry);
      };
    },
    emit: (event, payload) =>
      batch(() => {
        pending.push({ event, heard: entries[event] ?? [], payload });
      }),
    batch,
    retract(...kept) {
      pending = pending.filter(({ event }) => kept.includes(event));
    },
  };
}

/** Reports what a listener threw the way the platform reports an uncaught error, at nobody's cost. */
export function reportUncaught(error: unknown): void {
  if (typeof reportError === 'function') reportError(error);
  else
    setTimeout(() => {
      throw error;
    });
}
