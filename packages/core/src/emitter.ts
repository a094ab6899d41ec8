type Listener<T> = (payload: T) => void;

interface Entry {
  readonly listener: Listener<any>;
  live: boolean;
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
  let pending: [event: keyof E, heard: readonly Entry[], payload: unknown][] = [];
  let busy = false;

  const batch = (action: () => void) => {
    if (busy) return action();
    busy = true;
    try {
      action();
    } finally {
      for (let next = pending.shift(); next; next = pending.shift()) tell(next[1], next[2]);
      busy = false;
    }
  };

  const tell = (heard: readonly Entry[], payload: unknown) => {
    for (const entry of heard) {
      try {
        if (entry.live) entry.listener(payload);
      } catch (error) {
        reportUncaught(error);
      }
    }
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
    emit(event, payload) {
      const heard = entries[event] ?? [];
      // A message seldom finds anything to wait behind: it need not be queued.
      if (busy) pending.push([event, heard, payload]);
      else batch(() => tell(heard, payload));
    },
    batch,
    retract(...kept) {
      pending = pending.filter(([event]) => kept.includes(event));
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
