/** A value that changes: read it now, and be told when. */
export interface Store<T> {
  getSnapshot(): T;
  /** Calls `listener` after each change; returns a function that stops that. */
  subscribe(listener: () => void): () => void;
}

/** A store that its owner can change. */
export interface OwnStore<T> extends Store<T> {
  update(change: (value: T) => T): void;
}

export function createStore<T>(initial: T): OwnStore<T> {
  const listeners = new Set<() => void>();
  let value = initial;
  return {
    getSnapshot: () => value,
    subscribe(listener) {
      const own = () => listener();
      listeners.add(own);
      return () => listeners.delete(own);
    },
    update(change) {
      const next = change(value);
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener();
    },
  };
}
