import type { Store } from './store.ts';

/** How often what counts seconds is drawn, in ms. */
const tick = 100;

/** The time in ms since the epoch, in fractions: stages on one machine take less than one. */
export const now = (): number => performance.timeOrigin + performance.now();

let time = now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** The time for whoever shows it; ticks only while somebody does. */
export const clock: Store<number> = {
  getSnapshot: () => time,
  subscribe(listener) {
    listeners.add(listener);
    timer ??= setInterval(() => {
      time = now();
      for (const each of [...listeners]) each();
    }, tick);
    return () => {
      listeners.delete(listener);
      if (listeners.size) return;
      clearInterval(timer);
      timer = undefined;
    };
  },
};
