type Listener<T> = (payload: T) => void;

interface Entry {
  /** None any more, once it was asked to stop: also for what is being told of. */
  listener: Listener<any> | undefined;
}

/** An event on its way to those who listened when it was emitted. */
interface Told<E> {
  readonly event: keyof E;
  readonly heard: readonly Entry[];
  readonly payload: unknown;
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
  let pending: Told<E>[] = [];
  let busy = false;

  const tell = (told: Told<E>) => {
    for (const entry of told.heard) {
      try {
        entry.listener?.(told.payload);
      } catch (error) {
        reportUncaught(error);
      }
    }
  };

  const batch = (action: () => void) => {
    if (busy) return action();
    busy = true;
    try {
      action();
    } finally {
      while (pending.length) tell(pending.shift() as Told<E>);
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
    emit(event, payload) {
      const told = { event, heard: entries[event] ?? [], payload };
      // A message seldom finds anything to wait behind: it need not be queued.
      if (busy) pending.push(told);
      else batch(() => tell(told));
    },
    batch,
    retract(...kept) {
      pending = pending.filter((told) => kept.includes(told.event));
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
