import { CloseCode, retryAfterReason } from './close-codes.ts';
import { defaultSpread } from './come-back.ts';
import type { Connection } from './connection.ts';
import { atMost, type Environment, systemEnvironment } from './environment.ts';

/** How a graceful stop goes. */
export interface DrainOptions {
  /** Clocks, randomness and timers. Default: the real ones. */
  readonly environment?: Environment;
  /** ms until whatever is still there is cut off; 0 asks nobody to leave first. Default 10 s. */
  readonly timeout?: number;
  /** ms over which the clients are told to spread their return. Default: `timeout`, or 1 s. */
  readonly spread?: number;
}

/**
 * Empties the server: clients whose wire has the words are told that it is going away and given
 * half of the time to move; then all are closed with 1012 and a time to come back that is spread
 * out, so that they do not return as one, and what is left at the end is cut off. Whoever calls
 * this lets nobody else in: see the gate's `draining`.
 */
export async function drain(
  connections: ReadonlySet<Connection>,
  options: DrainOptions = {},
): Promise<void> {
  const { environment = systemEnvironment, timeout = 10_000 } = options;
  const { spread = defaultSpread(timeout) } = options;
  const restart = (connection: Connection): void =>
    connection.end(CloseCode.restart, retryAfterReason(environment.random() * spread));
  const deadline = Math.floor(timeout / 2);

  const told: Connection[] = [];
  for (const connection of connections) {
    const retryAfter = Math.floor((environment.random() * deadline) / 2);
    // One that has not authenticated is not sent a byte, and has nothing to lose.
    const moves =
      timeout > 0 &&
      connection.identity !== undefined &&
      connection.goAway({ retryAfter, deadline });
    if (moves) told.push(connection);
    else restart(connection);
  }

  const gone = (list: Iterable<Connection>): Promise<unknown> =>
    Promise.all([...list].map((connection) => connection.closed));
  if (told.length > 0) await atMost(environment, deadline, gone(told));
  told.forEach(restart);
  if (connections.size > 0) await atMost(environment, timeout - deadline, gone(connections));
  for (const connection of connections) connection.terminate('time to stop');
}
