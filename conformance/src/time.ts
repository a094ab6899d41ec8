import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from './outcome.ts';

/** Thrown when what was waited for did not come in time. */
export class Late extends Failure {}

/**
 * How many parts a bounded wait is counted in. While this process is held up, no more than one of
 * them passes, so that what has come is read before it is missed.
 */
const PARTS = 20;

async function pass(ms: number, signal: AbortSignal): Promise<void> {
  for (let part = 0; part < PARTS; part += 1) await delay(ms / PARTS, undefined, { signal });
}

/** Resolves after `ms`. */
export const sleep = (ms: number): Promise<void> => delay(Math.max(0, ms));

/**
 * Bounds a wait.
 *
 * @param expected what should have come, for the failure
 * @throws {Late} after `ms`, or later where this process was held up
 */
export async function within<T>(ms: number, expected: string, wait: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = pass(ms, timer.signal).then(() => {
    throw new Late(`expected ${expected}; got nothing within ${ms} ms`);
  });
  // It is aborted below, which nobody has to hear of.
  late.catch(() => {});
  try {
    return await Promise.race([wait, late]);
  } finally {
    timer.abort();
  }
}

/** Whether the wait is over within `ms`. */
export async function isOver(ms: number, wait: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  const late = pass(ms, timer.signal).then(
    () => false,
    () => false,
  );
  try {
    return await Promise.race([wait.then(() => true), late]);
  } finally {
    timer.abort();
  }
}
