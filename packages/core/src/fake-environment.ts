import type { Environment, PageEvent } from './types.ts';

/**
 * Lets every promise that can settle do so: after it, what follows from what the test has just done has
 * happened. It waits for no timer and no network, real or faked, and is bounded: a loop of promises ends it.
 */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await undefined;
}

/**
 * The world around a client, for its option `environment`: its time stands still until it is told to move,
 * its chance is chosen, and its page does what the test says.
 *
 * @example
 * const world = new FakeEnvironment();
 * const socket = new TwoStageSocket({ url: 'wss://chat.test/', environment: world });
 * world.goOffline();
 * await world.advance(60_000);
 */
export class FakeEnvironment implements Environment {
  /** What `random` answers, from 0 up to 1: half of the longest wait, as it is. */
  chance = 0.5;
  isOnline = true;
  isVisible = true;
  #now = 1_800_000_000_000;
  #timers: { due: number; callback: () => void }[] = [];
  #listeners: Set<{ event: PageEvent; listener: () => void }> = new Set();

  readonly now = (): number => this.#now;
  readonly random = (): number => this.chance;
  readonly after = (ms: number, callback: () => void): (() => void) => {
    const timer = { due: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };
  readonly page = {
    online: (): boolean => this.isOnline,
    visible: (): boolean => this.isVisible,
    on: (event: PageEvent, listener: () => void): (() => void) => {
      const own = { event, listener };
      this.#listeners.add(own);
      return () => this.#listeners.delete(own);
    },
  };

  /** How many timers are running; a socket that is closed has none. */
  get timers(): number {
    return this.#timers.length;
  }

  /** How many listeners the page has; a socket that is closed has none. */
  get pageListeners(): number {
    return this.#listeners.size;
  }

  /** Moves time on by `ms`, calling back whatever becomes due on the way, in order. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (let timer = this.#next(until); timer; timer = this.#next(until)) {
      const { due, callback } = timer;
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#now = Math.max(this.#now, due);
      callback();
      await settle();
    }
    this.#now = until;
  }

  /** Sets the clock alone, to ms since the epoch, as the correction of a machine's time does. */
  setClock(now: number): void {
    this.#now = now;
  }

  /** The machine loses its network, as far as it knows; connections are as they were. */
  goOffline(): void {
    this.isOnline = false;
  }

  goOnline(): void {
    this.isOnline = true;
    this.tell('online');
  }

  /** The page goes to the background. */
  hide(): void {
    this.isVisible = false;
    this.tell('visibilitychange');
  }

  show(): void {
    this.isVisible = true;
    this.tell('visibilitychange');
  }

  /** Lets the page have an event, such as `pagehide`. */
  tell(event: PageEvent): void {
    for (const heard of [...this.#listeners]) if (heard.event === event) heard.listener();
  }

  /** The machine sleeps, or the page is frozen: `ms` go by, and no timer comes. */
  sleep(ms: number): void {
    this.#now += ms;
  }

  #next(until: number) {
    return this.#timers.filter(({ due }) => due <= until).sort((a, b) => a.due - b.due)[0];
  }
}
