import { reportUncaught } from './emitter.ts';
import type { Failure, TwoStageError } from './errors.ts';
import type { History, RetryOptions } from './types.ts';

export const noHistory: History = { tries: 0, rejections: 0, drops: 0 };

const longestHint = 600_000;
const longestTimer = 2 ** 31 - 1;
const slowLane = { initialDelay: 30_000, maxDelay: 300_000 };
const finalCodes = ['forbidden', 'protocol-error', 'address-refused', 'websocket-missing'];

/**
 * Whether trying again may help. Credentials that an HTTP answer refused are final; those that the
 * server of the socket refused are worth one more try with fresh ones, in case they had just expired.
 */
export function isRetryable(failure: Failure, history: History): boolean {
  if (failure.code === 'unauthorized') return failure.status === undefined && !history.rejections;
  return !finalCodes.includes(failure.code);
}

/** Whether the token in hand may be to blame for it: the next attempt fetches another. */
export function needsFreshToken({ code }: Failure): boolean {
  return code === 'unauthorized' || code === 'init-dropped';
}

/** Whether a network that has come back is a reason not to wait any longer. */
export function mayHurry({ code, retryAfter }: Failure): boolean {
  return retryAfter === undefined && code !== 'init-dropped';
}

/** How long to wait before the next try, in ms; `undefined` is not to try again. */
export function nextDelay(
  error: TwoStageError,
  history: History,
  retry: RetryOptions,
  random: number,
): number | undefined {
  let decision: number | false | undefined;
  try {
    decision = retry.decide?.(error, history);
  } catch (thrown) {
    reportUncaught(thrown);
  }
  if (typeof decision === 'number' && decision >= 0) return Math.min(decision, longestTimer);
  if (decision === false || !error.retryable || history.tries + 1 >= retry.maxAttempts) {
    return undefined;
  }
  return retryDelay(error, history, retry, random);
}

/**
 * The delay that a policy gives, in ms. A delay said by the server replaces ours, spread over
 * a second so that those it was said to together do not come back together.
 */
export function retryDelay(
  failure: Failure,
  { tries, drops }: History,
  retry: RetryOptions,
  random: number,
): number {
  const shortest = tries ? retry.minDelay : 0;
  if (failure.retryAfter !== undefined) {
    return Math.max(shortest, Math.min(longestHint, failure.retryAfter + random * 1000));
  }
  if (failure.code === 'init-dropped' && drops) {
    const longest = Math.min(slowLane.maxDelay, slowLane.initialDelay * 2 ** (drops - 1));
    return longest * (0.5 + random / 2);
  }
  const longest = Math.min(retry.maxDelay, retry.initialDelay * retry.factor ** tries);
  return Math.max(shortest, random * longest);
}

/** The history with one more failure in it. */
export function record({ tries, rejections, drops }: History, { code }: Failure): History {
  return {
    tries: tries + 1,
    rejections: rejections + (code === 'unauthorized' ? 1 : 0),
    drops: drops + (code === 'init-dropped' ? 1 : 0),
  };
}

/**
 * The history that a connection leaves when it has been ready for `readyFor` ms. The ack proves the
 * credentials good; only a stable period proves the connection good: a server that accepts and then
 * drops must not bring the whole fleet back at the shortest delay.
 */
export function settle(history: History, readyFor: number, stableAfter: number): History {
  return readyFor >= stableAfter ? noHistory : { ...history, drops: 0 };
}
