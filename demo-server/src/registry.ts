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
  // Most users have one connection, and a set takes more memory than that.
  const users = new Map<string, Connection | Set<Connection>>();
  let size = 0;

  function add(connection: Connection): void {
    const known = users.get(connection.user);
    if (known instanceof Set) known.add(connection);
    else users.set(connection.user, known ? new Set([known, connection]) : connection);
    size += 1;
    connection.onEnd(remove);
  }

  function remove(connection: Connection): void {
    const known = users.get(connection.user);
    if (known instanceof Set) known.delete(connection);
    if (known === connection || (known instanceof Set && known.size === 0)) {
      users.delete(connection.user);
    }
    size -= 1;
  }

  function of(user?: string): Connection[] {
    if (user !== undefined) return toList(users.get(user));
    return [...users.values()].flatMap(toList);
  }

  return {
    add,
    of,
    count(user) {
      const known = users.get(user);
      return known instanceof Set ? known.size : Number(known !== undefined);
    },
    get size() {
      return size;
    },
    [Symbol.iterator]: () => of()[Symbol.iterator](),
  };
}

function toList(known: Connection | Set<Connection> | undefined): Connection[] {
  if (known === undefined) return [];
  return known instanceof Set ? [...known] : [known];
}
