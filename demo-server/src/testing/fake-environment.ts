import { createHash } from 'node:crypto';
import { type Environment, MAX_DELAY } from '../environment.ts';

/** A world whose time stands still until it is told to move. */
export interface FakeEnvironment extends Environment {
  /** Moves both clocks on, calling back whatever becomes due on the way, in order. */
  advance(ms: number): void;
  /** Sets the wall clock alone, as a correction of a machine's time does. */
  setWallClock(now: number): void;
  /** What `random` answers. Default 0.5. */
  nextRandom: number;
  /** How many timers are armed. */
  readonly armed: number;
}

/** 2030-01-01, a whole second, so that JWTs count exactly. */
const START = 1_893_456_000_000;

export function fakeEnvironment(): FakeEnvironment {
  const timers = new Set<{ due: number; callback: () => void }>();
  let elapsed = 0;
  let offset = START;
  let bytes = 0;

  function nextDue(until: number) {
    const due = [...timers].filter((timer) => timer.due <= until);
    return due.sort((a, b) => a.due - b.due)[0];
  }

  return {
    nextRandom: 0.5,
    now: () => offset + elapsed,
    elapsed: () => elapsed,
    random() {
      return this.nextRandom;
    },
    randomBytes(size) {
      bytes += 1;
      return createHash('sha512').update(String(bytes)).digest().subarray(0, size);
    },
    after(delay, callback) {
      // Node would call back at once, with no more than a warning.
      if (delay > MAX_DELAY) throw new RangeError(`No timer can wait ${delay} ms`);
      const timer = { due: elapsed + delay, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const until = elapsed + ms;
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        timers.delete(timer);
        elapsed = Math.max(elapsed, timer.due);
        timer.callback();
      }
      elapsed = until;
    },
    setWallClock(now) {
      offset = now - elapsed;
    },
    get armed() {
      return timers.size;
    },
  };
}
