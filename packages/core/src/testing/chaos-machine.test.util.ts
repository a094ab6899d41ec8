import type { Environment, PageEvent } from '../types.ts';
import type { Random } from './chaos-random.test.util.ts';

/** The machine that a client runs on: real time, a page and a network that come and go. */
export interface Machine extends Environment {
  readonly timers: number;
  readonly listeners: number;
  /** What waits in the buffers of its connections beside what is really there, in bytes. */
  readonly buffered: number;
  fillBuffers(): void;
  drainBuffers(): void;
  goOffline(): void;
  goOnline(): void;
  hide(): void;
  show(): void;
  /** An event of the page with nothing behind it. */
  tell(event: PageEvent): void;
}

/** `luck` is the most that chance comes to: short waits, so that more goes wrong in a second. */
export function createMachine(random: Random, luck: number): Machine {
  const timers = new Set<NodeJS.Timeout>();
  const listeners = new Set<{ readonly event: PageEvent; readonly listener: () => void }>();
  let isOnline = true;
  let isVisible = true;
  let buffered = 0;

  const tell = (event: PageEvent) => {
    for (const entry of [...listeners]) {
      if (entry.event === event && listeners.has(entry)) entry.listener();
    }
  };
  return {
    now: () => Date.now(),
    random: () => random.next() * luck,
    after(ms, callback) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        callback();
      }, ms);
      timers.add(timer);
      return () => {
        timers.delete(timer);
        clearTimeout(timer);
      };
    },
    page: {
      online: () => isOnline,
      visible: () => isVisible,
      on(event, listener) {
        const entry = { event, listener };
        listeners.add(entry);
        return () => listeners.delete(entry);
      },
    },
    get timers() {
      return timers.size;
    },
    get listeners() {
      return listeners.size;
    },
    get buffered() {
      return buffered;
    },
    fillBuffers() {
      buffered = 2 ** 30;
    },
    drainBuffers() {
      buffered = 0;
    },
    goOffline() {
      isOnline = false;
    },
    goOnline() {
      isOnline = true;
      tell('online');
    },
    hide() {
      isVisible = false;
      tell('visibilitychange');
    },
    show() {
      isVisible = true;
      tell('visibilitychange');
    },
    tell,
  };
}
