import type { Failure } from './errors.ts';
import { appFacts } from './failure.ts';
import type { Settings } from './options.ts';
import type { Tokens } from './token.ts';

/** Keeps a token for the next attempt, where `prefetch` is on and that attempt would need one. */
export interface Spare {
  keep(): void;
  /** Keeps none any more. What is being fetched is aborted; a token that has come stays in hand. */
  drop(): void;
}

export function createSpare(
  settings: Settings,
  tokens: () => Tokens,
  onTrouble: (failure: Failure) => void,
): Spare {
  /**
   * How old a spare grows at least before another takes its place, in ms: one that lives a second must
   * not be fetched each second.
   */
  const minAge = 60_000;

  let controller: AbortController | undefined;
  let cancel: (() => void) | undefined;

  const ask = async (mine: AbortController) => {
    const { getToken, prefetch, timeouts, environment } = settings;
    if (!prefetch || !getToken) return;
    const { signal } = mine;
    if (timeouts.token) {
      cancel = environment.after(timeouts.token, () => {
        onTrouble({ stage: 'token', code: 'token-timeout' });
        mine.abort();
      });
    }
    try {
      await tokens().fetch(getToken, { attempt: 1, reason: 'prefetch', signal });
      if (signal.aborted) return;
      cancel?.();
      const life = tokens().expiresAt - environment.now();
      // By then it is replaced, whatever the clock says: that may be behind the timer.
      if (life > 0) cancel = environment.after(Math.max(minAge, life), () => ask(mine));
    } catch (error) {
      if (signal.aborted) return;
      cancel?.();
      onTrouble({ stage: 'token', ...appFacts('token-failed', error) });
    }
  };

  return {
    keep() {
      // One for all spares of a connection: whoever listens to it hears of the end.
      if (tokens().reuse()) return;
      controller = new AbortController();
      ask(controller);
    },
    drop() {
      cancel?.();
      controller?.abort();
    },
  };
}
