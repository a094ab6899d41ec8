export interface Table<T> {
  readonly [name: string]: readonly [weight: number, what: T];
}

/** Chance that can be repeated: the same seed gives the same numbers. */
export interface Random {
  /** From 0 up to 1. */
  next(): number;
  /** A whole number, both ends included. */
  int(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly [T, ...T[]]): T;
  /** A row of the table, as often as its weight is to the sum of all. */
  draw<T>(table: Table<T>): readonly [name: string, what: T];
  /** Chance of its own for a part: what one part draws does not move what another will. */
  fork(name: string): Random;
}

/** Mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));

  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (items) => items[int(0, items.length - 1)] as (typeof items)[0],
    draw<T>(table: Table<T>) {
      const rows = Object.entries(table);
      let left = next() * rows.reduce((sum, [, [weight]]) => sum + weight, 0);
      const drawn = rows.find(([, [weight]]) => {
        left -= weight;
        return left < 0;
      });
      const [name, [, what]] = drawn ?? (rows.at(-1) as (typeof rows)[0]);
      return [name, what] as const;
    },
    fork: (name) => createRandom([...name].reduce(hash, seed)),
  };
}

const hash = (sum: number, letter: string) =>
  Math.imul(sum ^ (letter.codePointAt(0) ?? 0), 0x01000193);
