import { describe, test } from 'vitest';

/** A database for tests, and what may be done to it. */
export interface TestDatabase {
  readonly url: string;
  /** Stops its process in its tracks: it keeps its connections and its port, and answers nothing. */
  freeze(): void;
  /** Lets it go on. */
  thaw(): void;
  /** Ends it without a chance to say goodbye. */
  kill(): Promise<void>;
  /** Makes it run and answer, on the same port, whatever was done to it; a new one has nothing. */
  restart(): Promise<void>;
  /** Ends it for good, in whatever state it is. */
  stop(): Promise<void>;
}

/** Whether there is such a database for tests. */
export interface Availability {
  readonly name: string;
  /** Whether tests may start one and do to it what they like. */
  readonly isOurs: boolean;
  /** Why tests that need it, or one of their own, cannot run. */
  readonly reason: string;
  readonly isThere: boolean;
}

/** Defines tests that need a database; or one that is skipped, under a name that says why. */
export function describeWith(database: Availability, body: () => void): void {
  if (database.isThere) describe(database.name, body);
  else test.skip(`${database.name}: not run, ${database.reason}`);
}

/** The same for tests that end their database, or keep it from answering. */
export function describeWithOwn(database: Availability, body: () => void): void {
  // Failing and coming back takes real time, and more on a busy machine.
  if (database.isOurs) describe(database.name, { timeout: 30_000 }, body);
  else test.skip(`${database.name}: failures not run, ${database.reason}`);
}

/** What a search for a database came to. */
export function availability(
  name: string,
  search: {
    url: string | undefined;
    variable: string;
    binary: string | undefined;
    missing: string;
  },
): Availability {
  const { url, variable, binary, missing } = search;
  const reason = url ? `the one of ${variable} is not ours to end` : missing;
  return { name, reason, isThere: Boolean(url ?? binary), isOurs: !url && binary !== undefined };
}

/** A database that somebody else runs. */
export function foreignDatabase(url: string): TestDatabase {
  const refuse = (): never => {
    throw new Error('This database is not ours to end');
  };
  return {
    url,
    freeze: refuse,
    thaw: refuse,
    kill: refuse,
    restart: refuse,
    stop: async () => {},
  };
}
