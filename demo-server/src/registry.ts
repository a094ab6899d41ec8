import type { Connection } from './connection.ts';

/** The authenticated connections of this process, by user. */
export interface Registry extends Iterable<Connection> {
  /** Adds a connection; it leaves by itself when it ends. */
  add(connection: Connection): void;
  /** The connections of one user, or all: a copy, so that ending some does not disturb a loop. */
  of(user?: string): Connection[];
  /** How many connections a user has. */
  count(user: string): number;
  readonly size: number;
}

export function createRegistry(): Registry {
  const users = new Map<string, Set<Connection>>();
  let size = 0;

  function remove(connection: Connection): void {
    const connections = users.get(connection.user);
    if (!connections?.delete(connection)) return;
    size -= 1;
    if (connections.size === 0) users.delete(connection.user);
  }

  function of(user?: string): Connection[] {
    if (user !== undefined) return [...(users.get(user) ?? [])];
    return [...users.values()].flatMap((connections) => [...connections]);
  }

  return {
    add(connection) {
      const connections = users.get(connection.user) ?? new Set();
      users.set(connection.user, connections.add(connection));
      size += 1;
      connection.onEnd(() => remove(connection));
    },
    of,
    count: (user) => users.get(user)?.size ?? 0,
    get size() {
      return size;
    },
    [Symbol.iterator]: () => of()[Symbol.iterator](),
  };
}
