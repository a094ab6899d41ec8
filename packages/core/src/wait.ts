import type { Environment, Until } from './types.ts';

export interface Wait {
  /**
   * Looks again whether what it waits for has come, and where the network has come back, whether that
   * is a reason to wait no longer.
   */
  wake(isBack: boolean): void;
  cancel(): void;
}

/**
 * Waits out `delay`, and for a network and a page that is seen. The network's return ends a wait within
 * a second: not at once, since every client of a site may have lost the same network.
 */
export function startWait(
  { after, now, page, random }: Environment,
  delay: number,
  mayHurry: boolean,
  onWaiting: (until: Until) => void,
  onDone: () => void,
): Wait {
  let cancelTimer: (() => void) | undefined;
  let parked: 'online' | 'visible' | undefined;
  let retryAt = 0;

  const missing = () => (!page.online() ? 'online' : !page.visible() ? 'visible' : undefined);
  const waitFor = (ms: number) => {
    parked = undefined;
    retryAt = now() + ms;
    cancelTimer?.();
    cancelTimer = after(ms, finish);
    onWaiting({ retryAt });
  };
  const park = (until: 'online' | 'visible') => {
    if (parked === until) return;
    parked = until;
    onWaiting({ until });
  };
  const finish = () => {
    const until = missing();
    if (until) park(until);
    else onDone();
  };

  if (mayHurry && !page.online()) park('online');
  else waitFor(delay);
  return {
    wake(isBack) {
      const until = missing();
      const ms = isBack ? random() * 1000 : 0;
      if (parked && until) park(until);
      // Who hurries makes no wait longer.
      else if (parked || (isBack && mayHurry && now() + ms < retryAt)) waitFor(ms);
    },
    cancel: () => cancelTimer?.(),
  };
}
