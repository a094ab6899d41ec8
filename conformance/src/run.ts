import { isSignedWith } from './jwt.ts';
import type { Options } from './options.ts';
import { Failure, NotRun } from './outcome.ts';
import type { Phase, Result, Row } from './row.ts';
import { allRows } from './rows/index.ts';
import { Secrets } from './secrets.ts';
import { type Run, Session } from './session.ts';
import { within } from './time.ts';
import { original, TWO_STAGE, twoStage, type WireName } from './wire.ts';

/** What a run found. */
export interface Report {
  readonly url: string;
  /** The wires that the server speaks. */
  readonly wires: readonly WireName[];
  readonly rows: readonly Result[];
  readonly passed: number;
  readonly failed: number;
  readonly notRun: number;
}

/** Thrown when there is nothing to judge; one sentence that says what to do. */
export class CannotRun extends Error {
  override name = 'CannotRun';
}

/** Rows of the phase `usual` that run at a time. */
const AT_A_TIME = 4;

/**
 * Checks a server, row by row.
 *
 * @param table rows to choose from; default all there are
 * @throws {CannotRun} when there is no server, or nobody gets as far as a socket
 */
export async function check(options: Options, table: readonly Row[] = allRows()): Promise<Report> {
  const run: Run = { options, secrets: new Secrets(), minted: new Map(), sessions: [] };
  if (options.jwtSecret !== undefined) run.secrets.add(options.jwtSecret);
  const spoken = await survey(run);
  const rows = table.filter((row) => isWanted(row, options.only));
  if (rows.length === 0) throw new CannotRun(`No row is about ${options.only.join(', ')}.`);

  const results = await judgeAll(rows, run, spoken);
  const count = (outcome: Result['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length;
  return {
    url: options.url.href,
    wires: spoken,
    rows: results,
    passed: count('pass'),
    failed: count('fail'),
    notRun: count('not-run'),
  };
}

/** Runs rows, each in its phase; answers their results in the order of the rows. */
async function judgeAll(
  rows: readonly Row[],
  run: Run,
  spoken: readonly WireName[],
): Promise<Result[]> {
  const results = new Map<Row, Result>();
  const judge = async (row: Row): Promise<void> => {
    results.set(row, await runRow(row, run, spoken));
  };
  const of = (phase: Phase): Row[] => rows.filter((row) => (row.phase ?? 'usual') === phase);
  await Promise.all([...of('waiting').map(judge), eachOf(of('usual'), AT_A_TIME, judge)]);
  await eachOf([...of('alone'), ...of('last')], 1, judge);
  // The stop is seen by several rows, and outlives each of them.
  for (const session of run.sessions) session.close();
  return rows.map((row) => results.get(row) as Result);
}

function isWanted({ rules }: Row, only: readonly string[]): boolean {
  return (
    only.length === 0 ||
    only.some((wanted) => rules.some((rule) => rule === wanted || rule.startsWith(`${wanted}.`)))
  );
}

/** Goes through both stages once, to tell a server that breaks a rule from none at all. */
async function survey(run: Run): Promise<WireName[]> {
  const { options, secrets } = run;
  const session = new Session(run);
  const step = async <T>(what: Promise<T>, advice: string): Promise<T> => {
    try {
      return await what;
    } catch (error) {
      throw new CannotRun(secrets.mask(`${describe(error)}: ${advice}`));
    }
  };
  try {
    const [one, other] = options.users;
    const jwt = await step(
      session.login(one),
      'is the server there, and are --login-path and --user right?',
    );
    await step(session.login(other), 'is the second --user right?');
    if (options.jwtSecret !== undefined && !isSignedWith(options.jwtSecret, jwt)) {
      throw new CannotRun(
        'The secret (--jwt-secret or JWT_SECRET) is not what the server signs JWTs with, or it does not use HS256: pass the right one, or none.',
      );
    }
    await step(session.mint(jwt), 'is --token-path right?');
    const { status, headers } = await step(
      session.upgradeAs(one, { offer: twoStage.offer }),
      'is --socket-path right?',
    );
    if (status === 101 && headers.get('sec-websocket-protocol') === TWO_STAGE) {
      return [TWO_STAGE, original.name];
    }
    const bare = await step(session.upgradeAs(one), 'is --socket-path right?');
    if (bare.status !== 101) {
      throw new CannotRun(
        `An upgrade of ${options.socketPath} is answered ${bare.status} instead of 101: is --socket-path right?`,
      );
    }
    return [original.name];
  } finally {
    session.close();
  }
}

async function runRow(row: Row, run: Run, spoken: readonly WireName[]): Promise<Result> {
  const { rules, wire, title } = row;
  const result = { rule: rules.join(', '), wire, title };
  if (wire !== 'http' && !spoken.includes(wire)) {
    return { ...result, outcome: 'not-run', detail: `the server does not speak ${wire}` };
  }
  const { options, secrets } = run;
  const session = new Session(run);
  try {
    const longest = 4 * options.patience + 30_000;
    const note = await within(longest, 'the row to end', row.run(session));
    return {
      ...result,
      outcome: 'pass',
      ...(typeof note === 'string' && { detail: secrets.mask(note) }),
    };
  } catch (error) {
    const outcome = error instanceof NotRun ? 'not-run' : 'fail';
    return { ...result, outcome, detail: secrets.mask(describe(error)) };
  } finally {
    session.close();
  }
}

function describe(error: unknown): string {
  if (error instanceof Failure || error instanceof NotRun) return error.message;
  if (error instanceof AggregateError) return error.errors.map(describe).join(', ');
  return error instanceof Error ? error.message : String(error);
}

/** Runs through items, `most` at a time. */
async function eachOf<T>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: most }, worker));
}
