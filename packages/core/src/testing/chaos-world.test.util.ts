import type { Judge } from './chaos-judge.test.util.ts';
import type { Random, Table } from './chaos-random.test.util.ts';

/** What the server, the apps and their judge share. */
export interface World {
  readonly random: Random;
  readonly judge: Judge;
  readonly tally: Tally;
  /** Nobody behaves badly any more. */
  isWell: boolean;
}

/** Ways to behave badly, each with how likely it is among them. */
export type Faults<T, R = void> = Table<(at: T) => R>;

export interface Tally {
  /** A fault has been committed. */
  fault(kind: string): void;
  /** Something was done that is nobody's fault. */
  act(kind: string): void;
  readonly faults: number;
  /** Resolves once so many faults have been committed. */
  reached(faults: number): Promise<void>;
  table(): string;
}

export function createTally(): Tally {
  const kinds = new Map<string, number>();
  const acts = new Map<string, number>();
  let faults = 0;
  let goal = Number.POSITIVE_INFINITY;
  let onGoal = () => {};

  const count = (counts: Map<string, number>, kind: string) =>
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const lines = (counts: Map<string, number>) =>
    [...counts].sort().map(([kind, n]) => `${String(n).padStart(7)}  ${kind}`);

  return {
    fault(kind) {
      count(kinds, kind);
      faults += 1;
      if (faults >= goal) onGoal();
    },
    act(kind) {
      count(acts, kind);
    },
    get faults() {
      return faults;
    },
    reached(wanted) {
      goal = wanted;
      return new Promise((resolve) => {
        onGoal = resolve;
        if (faults >= goal) resolve();
      });
    },
    table: () =>
      [...lines(kinds), `${String(faults).padStart(7)}  FAULTS`, ...lines(acts)].join('\n'),
  };
}

/** Commits one of the faults, as often as `rate` says and never in a world that is well; else behaves. */
export function misbehave<T, R>(
  { isWell, tally }: World,
  random: Random,
  rate: number,
  faults: Faults<T, R>,
  at: T,
  behave: (at: T) => R,
): R {
  if (isWell || !random.chance(rate)) return behave(at);
  const [kind, commit] = random.draw(faults);
  tally.fault(kind);
  return commit(at);
}
