import { CloseCode } from './close-codes.ts';
import type { Connection } from './connection.ts';
import { type Cancel, type Environment, MAX_DELAY } from './environment.ts';
import type { Registry } from './registry.ts';

/** Ends the ready connections of a registry when their JWTs expire. */
export interface Expiry {
  /** Takes note of a connection's JWT, the first or a renewed one; ends it if that has expired. */
  watch(connection: Connection): void;
  /** To be called when a connection has left the registry. */
  rest(): void;
}

/**
 * One timer for all connections, set to the earliest expiry: one each takes more memory. It looks at
 * all of them when it goes off, which is once a second at most, as JWTs count in seconds.
 */
export function watchExpiry(environment: Environment, registry: Registry): Expiry {
  const never = Number.POSITIVE_INFINITY;
  let earliest = never;
  let cancel: Cancel = () => {};

  function watch(connection: Connection): void {
    if (connection.identity === undefined) return;
    const { expiresAt } = connection.identity;
    const left = expiresAt - environment.now();
    if (left <= 0) {
      connection.end(CloseCode.unauthorized, 'the JWT expired');
      return;
    }
    if (expiresAt >= earliest) return;
    cancel();
    earliest = expiresAt;
    cancel = environment.after(Math.min(left, MAX_DELAY), () => {
      earliest = never;
      for (const other of registry) watch(other);
    });
  }

  return {
    watch,
    rest() {
      if (registry.size > 0) return;
      cancel();
      earliest = never;
    },
  };
}
