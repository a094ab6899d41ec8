import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from './outcome.ts';

/** Resolves after `ms`. */
export const sleep = (ms: number): Promise<void> => delay(Math.max(0, ms));

/**
 * Bounds a wait.
 *
 * @param expected what should have come, for the failure
 * @throws {Failure} after `ms`
 */
export async function within<T>(ms: number, expected: string, wait: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = delay(ms, undefined, { signal: timer.signal }).then(() => {
    throw new Failure(`expected ${expected}; got nothing within ${ms} ms`);
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
  const late = delay(ms, false, { signal: timer.signal }).catch(() => false);
  try {
    return await Promise.race([wait.then(() => true), late]);
  } finally {
    timer.abort();
  }
}
