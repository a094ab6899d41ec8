import type { Environment } from './types.ts';

/** Notices that the other side is gone although the connection still looks open. */
export interface Liveness {
  /** Something came. What is no answer, but was held back since before the question, only buys time. */
  heard(isAnswer: boolean): void;
  /** Asks now; without an answer within `timeout` (ms), the connection is lost. */
  probe(timeout: number): void;
  stop(): void;
}

/**
 * Asks every `interval` ms (0 is never) for an answer within `timeout` ms. `ask` returns whether it
 * could. A timer that comes late has slept with the machine, or was held back in a hidden page, and
 * the answer may wait behind it: then it asks once more before it gives up.
 */
export function watchLiveness(
  { after, now }: Environment,
  interval: number,
  timeout: number,
  ask: () => boolean,
  onLost: (patience: number) => void,
): Liveness {
  /** How late a timer may be, in ms, before it says more about this machine than about the other side. */
  const tolerance = 1000;

  let cancel: (() => void) | undefined;
  /** When the answer is due; never, where nothing was asked. */
  let due = 1 / 0;
  let isAlive = false;
  let isStopped = false;

  const arm = (ms: number, callback: () => void) => {
    cancel?.();
    // `ask` may be what stops it.
    if (!isStopped) cancel = after(ms, callback);
  };
  const rest = () => {
    due = 1 / 0;
    if (interval) arm(interval, () => probe(timeout));
    else cancel?.();
  };
  const probe = (patience: number, mayBeLate = true) => {
    if (!ask()) return rest();
    if (due === 1 / 0) isAlive = false;
    // Who asks again puts the verdict off no further.
    due = Math.min(due, now() + patience);
    arm(due - now(), () => {
      const isLate = now() - due > tolerance;
      due = 1 / 0;
      if (isAlive) probe(patience);
      else if (mayBeLate && isLate) probe(patience, false);
      else onLost(patience);
    });
  };

  rest();
  return {
    heard(isAnswer) {
      isAlive = true;
      if (isAnswer && due < 1 / 0) rest();
    },
    probe,
    stop() {
      isStopped = true;
      cancel?.();
    },
  };
}
