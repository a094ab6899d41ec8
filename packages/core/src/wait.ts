import type { Environment } from './types.ts';

/** What a wait is for: a time by `environment.now`, or the network. */
export type Until = { readonly retryAt: number } | { readonly until: 'online' };

/**
 * Waits out `delay`, and for a network. Where it `mayHurry`, the network's return ends the wait
 * within a second: not at once, since every client of a site may have lost the same network.
 * Returns what cancels it.
 */
export function wait(
  { after, now, page, random }: Environment,
  delay: number,
  mayHurry: boolean,
  onWaiting: (until: Until) => void,
  onDone: () => void,
): () => void {
  let cancelTimer: (() => void) | undefined;
  let parked = false;

  const waitFor = (ms: number) => {
    parked = false;
    cancelTimer?.();
    cancelTimer = after(ms, finish);
    onWaiting({ retryAt: now() + ms });
  };
  const park = () => {
    parked = true;
    cancelTimer?.();
    onWaiting({ until: 'online' });
  };
  const cancel = () => {
    cancelTimer?.();
    off();
  };
  const finish = () => {
    if (!page.online()) return park();
    cancel();
    onDone();
  };
  const off = page.on('online', () => {
    if (parked || mayHurry) waitFor(random() * 1000);
  });
  if (mayHurry && !page.online()) park();
  else waitFor(delay);
  return cancel;
}
