import { setTimeout } from 'node:timers/promises';

/** A process that was started. */
export interface Running {
  readonly pid: number;
  /** Resolves with its exit status, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
}

/** How a process is kept running. */
export interface KeepOptions {
  /** What it is called to people. */
  readonly name: string;
  /** What it means to clients when it is gone. */
  readonly consequence: string;
  /** ms until it is started again, and tried again where it does not start. */
  readonly delay: number;
  /** Starts it again, at the same address. */
  readonly start: () => Promise<Running>;
  /** Aborted when it shall end, which is somebody else's to see to. */
  readonly signal: AbortSignal;
}

/** Says when a process ends, and starts it again. Resolves when it has ended and shall not. */
export async function keepRunning(first: Running, options: KeepOptions): Promise<void> {
  const { name, consequence, delay, start, signal } = options;

  async function restart(): Promise<Running | undefined> {
    while (!signal.aborted) {
      await setTimeout(delay, undefined, { signal }).catch(() => {});
      if (signal.aborted) return undefined;
      try {
        return await start();
      } catch (error) {
        if (!signal.aborted) console.error(`${name} does not start: ${(error as Error).message}`);
      }
    }
    return undefined;
  }

  let running: Running | undefined = first;
  while (running !== undefined) {
    const end = await running.exited;
    if (signal.aborted) return;
    console.log(`${name}, pid ${running.pid}, is gone (${end}): ${consequence}`);
    running = await restart();
    if (running !== undefined) console.log(`${name} is back, pid ${running.pid}`);
  }
}
