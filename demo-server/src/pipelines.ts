import type { Connection } from './connection.ts';
import { type Cancel, type Environment, every } from './environment.ts';
import type { FanOut } from './fan-out.ts';

/** Answers a message with itself: `echo: …` for a string, anything else unchanged. */
export function echo(connection: Connection, data: unknown): void {
  connection.send(typeof data === 'string' ? `echo: ${data}` : data);
}

/** The individual pipeline: `ping <n>` to one connection, every `interval` ms until it ends. */
export function startIndividual(
  connection: Connection,
  environment: Environment,
  interval: number,
): void {
  if (interval === 0) return;
  let n = 0;
  connection.onEnd(
    every(environment, interval, () => {
      n += 1;
      connection.send(`ping ${n}`);
    }),
  );
}

/**
 * The broadcast pipeline: `broadcast message <n>` to everybody, every `interval` ms, by one of all
 * processes.
 */
export function startBroadcast(
  fanOut: FanOut,
  environment: Environment,
  interval: number,
  onFailure: (error: unknown) => void,
): Cancel {
  async function broadcast(): Promise<void> {
    const n = await fanOut.turn(interval);
    if (n === undefined) return;
    await fanOut.publish({ kind: 'broadcast', message: `broadcast message ${n}` });
  }
  return every(environment, interval, () => void broadcast().catch(onFailure));
}

/** Delivers a message to connections of this process, writing it once for each wire. */
export function deliver(connections: Iterable<Connection>, message: unknown): void {
  const frames = new Map<string, string>();
  for (const connection of connections) {
    const { wire } = connection;
    const frame = frames.get(wire.name) ?? wire.encode(message);
    frames.set(wire.name, frame);
    connection.sendFrame(frame);
  }
}
