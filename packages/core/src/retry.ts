import { reportUncaught } from './emitter.ts';
import type { Failure, TwoStageError } from './errors.ts';
import type { History, RetryOptions } from './types.ts';

export const noHistory: History = { tries: 0, rejections: 0, drops: 0 };

const finalCodes = [
  'closed',
  'forbidden',
  'protocol-error',
  'address-refused',
  'websocket-missing',
];

/**
 * Whether trying again may help. Credentials that an HTTP answer refused are final; those that the
 * server of the socket refused are worth one more try with fresh ones, in case they had just expired.
 */
export function isRetryable({ code, status }: Failure, { rejections }: History): boolean {
  return code === 'unauthorized' ? !status && !rejections : !finalCodes.includes(code);
}

/** Whether a network that has come back is a reason to wait no longer. */
export function mayHurry({ code, retryAfter }: Failure, { drops }: History): boolean {
  return retryAfter === undefined && !(code === 'init-dropped' && drops > 1);
}

/** How long to wait before the next try, in ms; `undefined` is not to try again. */
export function nextDelay(
  failure: TwoStageError,
  history: History,
  retry: RetryOptions,
  random: number,
): number | undefined {
  let decision: number | false | undefined;
  try {
    decision = retry.decide(failure, history);
  } catch (error) {
    reportUncaught(error);
  }
  if (typeof decision === 'number' && decision >= 0) return decision;
  if (decision === false || !failure.retryable || history.tries + 1 >= retry.maxAttempts) return;
  return retryDelay(failure, history, retry, random);
}

/**
 * The delay of the policy, in ms. A delay that the server said replaces ours, spread over a second so
 * that those who were told the same do not come back together. One of less than a second can only
 * lengthen ours: who says so at each try would have us try for ever without a pause.
 */
export function retryDelay(
  { code, retryAfter }: Failure,
  { tries, drops }: History,
  { initialDelay, maxDelay, factor, minDelay }: RetryOptions,
  random: number,
): number {
  // A bad JWT must not burn tokens, and an overload must not lock a fleet out: come back, but rarely.
  if (code === 'init-dropped' && drops) {
    return Math.min(300_000, 15_000 * 2 ** drops) * (0.5 + random / 2);
  }
  // Infinity times 0 is not a delay.
  const own = random * Math.min(maxDelay, initialDelay * factor ** tries) || 0;
  const told = Math.min(600_000, (retryAfter ?? 0) + random * 1000);
  const delay = retryAfter === undefined ? own : retryAfter < 1000 ? Math.max(told, own) : told;
  return tries ? Math.max(minDelay, delay) : delay;
}

/** The history with one more failure in it. */
export function record({ tries, rejections, drops }: History, { code }: Failure): History {
  return {
    tries: tries + 1,
    rejections: rejections + +(code === 'unauthorized'),
    drops: drops + +(code === 'init-dropped'),
  };
}
