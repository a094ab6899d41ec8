type Listener<T> = (payload: T) => void;

interface Entry {
  readonly listener: Listener<any>;
  live: boolean;
}

export interface Emitter<E> {
  on<K extends keyof E>(event: K, listener: Listener<E[K]>): () => void;
  /**
   * Tells listeners of the events, in order. Events that a listener causes wait until everyone has
   * heard the ones before, so that all listeners see one history.
   */
  emit(...events: { [K in keyof E]: readonly [event: K, payload: E[K]] }[keyof E][]): void;
  /** Runs `action`, and only then tells of what it emitted. */
  batch(action: () => void): void;
}

export function createEmitter<E>(): Emitter<E> {
  const entries: { [K in keyof E]?: readonly Entry[] } = {};
  const pending: (readonly [keyof E, unknown])[] = [];
  let emitting = false;

  const drain = () => {
    for (let next = pending.shift(); next; next = pending.shift()) {
      for (const entry of entries[next[0]] ?? []) {
        try {
          if (entry.live) entry.listener(next[1]);
        } catch (error) {
          reportUncaught(error);
        }
      }
    }
  };

  const batch = (action: () => void) => {
    if (emitting) return action();
    emitting = true;
    action();
    drain();
    emitting = false;
  };

  return {
    on(event, listener) {
      const entry: Entry = { listener, live: true };
      entries[event] = [...(entries[event] ?? []), entry];
      return () => {
        entry.live = false;
        entries[event] = entries[event]?.filter((other) => other !== entry) ?? [];
      };
    },
    emit: (...events) => batch(() => pending.push(...events)),
    batch,
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
