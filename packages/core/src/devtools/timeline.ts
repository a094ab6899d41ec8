import type { ErrorCode, Stage } from '../errors.ts';
import type { Status, Until, Wire } from '../types.ts';

/** Which way a message went: `unsent` is one that was queued and will not be sent. */
export type Direction = 'in' | 'out' | 'unsent';

/** How many messages went which way. */
export type Counts = { readonly [direction in Direction]: number };

export const noCounts: Counts = { in: 0, out: 0, unsent: 0 };

/** What may be told of a failure: none of what an app has put into it. */
export interface FailureFacts {
  readonly code: ErrorCode;
  readonly stage: Stage;
  readonly status?: number | undefined;
  readonly closeCode?: number | undefined;
  readonly retryAfter?: number | undefined;
  readonly retryable: boolean;
  /** The class of the error that was its cause, such as `TypeError`. */
  readonly cause?: string | undefined;
}

/** The statuses of an attempt, in the order in which it goes through them; it may skip the first. */
export const stageStatuses = ['fetching-token', 'connecting', 'authenticating', 'ready'] as const;
export type StageStatus = (typeof stageStatuses)[number];

/** Times are in ms since the epoch; what has no `to` goes on. */
export interface Span {
  readonly from: number;
  readonly to?: number | undefined;
}

export interface StageSpan extends Span {
  readonly status: StageStatus;
}

/** What one message of a second looked like, masked. */
export interface Sample {
  readonly direction: Direction;
  readonly text: string;
}

/** The messages of one second, counted; a few of them described. */
export interface TrafficRow {
  readonly id: number;
  readonly kind: 'traffic';
  readonly at: number;
  readonly counts: Counts;
  readonly samples: readonly Sample[];
}

/** A failure that ended nothing, and how often it came within its second. */
export interface FailureRow {
  readonly id: number;
  readonly kind: 'failure';
  readonly at: number;
  readonly failure: FailureFacts;
  readonly count: number;
}

export type Row = TrafficRow | FailureRow;

/**
 * How an attempt, or the connection that came of it, ended: `failed` and to be tried again, `gave up`,
 * `closed` on request, `started over` by `reconnect()`, `handed over` to another connection.
 */
export type Outcome = 'failed' | 'gave up' | 'closed' | 'started over' | 'handed over';

/** One try at both stages, the connection that came of it, and the wait that followed. */
export interface Attempt extends Span {
  readonly id: number;
  /** The try in a row, from 1. */
  readonly number: number;
  /** Whether it took over from a connection whose server was going away; its stages go by unseen. */
  readonly isHandover: boolean;
  readonly stages: readonly StageSpan[];
  readonly wire?: Wire | undefined;
  readonly outcome?: Outcome | undefined;
  readonly failure?: FailureFacts | undefined;
  readonly wait?: (Span & Until) | undefined;
  readonly counts: Counts;
  /** The oldest first, the last `maxRows` of them. */
  readonly rows: readonly Row[];
}

/** What was seen of a socket. */
export interface Timeline {
  readonly status: Status;
  /** The oldest first, the last `maxAttempts` of them. */
  readonly attempts: readonly Attempt[];
  /** How many attempts came before those. */
  readonly forgotten: number;
  readonly counts: Counts;
  readonly nextId: number;
}

/** The state of a socket, as far as it may be told. */
export interface StateFacts {
  readonly status: Status;
  readonly attempt?: number | undefined;
  readonly wire?: Wire | undefined;
  readonly until?: Until | undefined;
  /** What it came with, where that was not known before. */
  readonly failure?: FailureFacts | undefined;
}

/** Something that happened to a socket, masked. */
export type Observation =
  | { readonly type: 'state'; readonly at: number; readonly state: StateFacts }
  | { readonly type: 'failure'; readonly at: number; readonly failure: FailureFacts }
  | {
      readonly type: 'traffic';
      readonly at: number;
      readonly counts: Counts;
      readonly samples: readonly Sample[];
    }
  /** Somebody wants what lies behind out of sight. */
  | { readonly type: 'clear' };

export const maxAttempts = 50;
export const maxRows = 60;

export const emptyTimeline: Timeline = {
  status: 'idle',
  attempts: [],
  forgotten: 0,
  counts: noCounts,
  nextId: 1,
};

/** What was seen of a socket once this has happened to it, too. */
export function reduceTimeline(timeline: Timeline, event: Observation): Timeline {
  switch (event.type) {
    case 'state':
      return { ...withState(timeline, event.state, event.at), status: event.state.status };
    case 'failure':
      return withRow(timeline, 'failure', toFailureRow(event.failure, event.at));
    case 'traffic':
      return withTraffic(timeline, event);
    case 'clear': {
      const last = timeline.attempts.at(-1);
      const isOver = !last || timeline.status === 'closed';
      return {
        ...timeline,
        attempts: isOver ? [] : [{ ...last, rows: [], counts: noCounts }],
        forgotten: 0,
        counts: noCounts,
      };
    }
  }
}

function withState(timeline: Timeline, state: StateFacts, at: number): Timeline {
  const { status, failure } = state;
  switch (status) {
    case 'idle':
      return timeline;
    case 'waiting':
      return withLast(withAttempt(timeline, state, at), (attempt) => ({
        ...ended(attempt, 'failed', at),
        ...(failure && { failure }),
        wait: { from: attempt.wait?.from ?? at, ...(state.until as Until) },
      }));
    case 'closed': {
      if (!timeline.attempts.length && !failure) return timeline;
      return withLast(withAttempt(timeline, state, at), (attempt) => ({
        ...ended(attempt, failure ? 'gave up' : 'closed', at),
        ...(failure && { failure }),
      }));
    }
    default:
      return withStage(timeline, state, status, at);
  }
}

function withStage(
  timeline: Timeline,
  state: StateFacts,
  status: StageStatus,
  at: number,
): Timeline {
  const last = timeline.attempts.at(-1);
  const reached = last?.stages.at(-1)?.status;
  const goesOn =
    last?.to === undefined &&
    (!reached || stageStatuses.indexOf(reached) < stageStatuses.indexOf(status));
  if (last && goesOn) return withLast(timeline, (attempt) => entered(attempt, state, status, at));

  const isHandover = status === 'ready' && last?.to === undefined && reached === 'ready';
  const before = withLast(timeline, (attempt) => {
    const outcome = state.failure ? 'failed' : isHandover ? 'handed over' : 'started over';
    const over = ended(attempt, outcome, at);
    return state.failure ? { ...over, failure: state.failure } : over;
  });
  return withLast(started(before, state, isHandover, at), (attempt) =>
    entered(attempt, state, status, at),
  );
}

/** With an attempt to speak of, also where nothing was seen of it but its end. */
function withAttempt(timeline: Timeline, state: StateFacts, at: number): Timeline {
  return timeline.attempts.length ? timeline : started(timeline, state, false, at);
}

function started(
  timeline: Timeline,
  { attempt = 1 }: StateFacts,
  isHandover: boolean,
  at: number,
): Timeline {
  const { nextId } = timeline;
  const attempts = [
    ...timeline.attempts,
    {
      ...{ id: nextId, number: attempt, isHandover, from: at },
      ...{ stages: [], rows: [], counts: noCounts },
    },
  ];
  return {
    ...timeline,
    attempts: attempts.slice(-maxAttempts),
    forgotten: timeline.forgotten + Math.max(0, attempts.length - maxAttempts),
    nextId: nextId + 1,
  };
}

function entered(attempt: Attempt, { wire }: StateFacts, status: StageStatus, at: number): Attempt {
  const stages = [...leftStage(attempt.stages, at), { status, from: at }];
  return { ...attempt, stages, wire: wire ?? attempt.wire };
}

/** Over, unless it was; what it waited for since is over as well. */
function ended(attempt: Attempt, outcome: Outcome, at: number): Attempt {
  const isWaiting = attempt.wait && attempt.wait.to === undefined;
  const wait = isWaiting ? { ...attempt.wait, to: at } : attempt.wait;
  if (attempt.to !== undefined) {
    // A wait is followed by a try, unless it is called off.
    const isOff = isWaiting && (outcome === 'closed' || outcome === 'gave up');
    return { ...attempt, wait, outcome: isOff ? outcome : attempt.outcome } as Attempt;
  }
  return { ...attempt, wait, outcome, to: at, stages: leftStage(attempt.stages, at) } as Attempt;
}

function leftStage(stages: readonly StageSpan[], at: number): readonly StageSpan[] {
  return stages.map((stage) => (stage.to === undefined ? { ...stage, to: at } : stage));
}

function withTraffic(
  timeline: Timeline,
  { at, counts, samples }: Observation & { type: 'traffic' },
): Timeline {
  const counted = withLast(timeline, (attempt) => ({
    ...attempt,
    counts: sum(attempt.counts, counts),
  }));
  return withRow({ ...counted, counts: sum(timeline.counts, counts) }, 'traffic', (row, id) =>
    row?.kind === 'traffic' && isSameSecond(row.at, at)
      ? { ...row, counts: sum(row.counts, counts), samples: [...row.samples, ...samples] }
      : { id, kind: 'traffic', at, counts, samples },
  );
}

const toFailureRow =
  (failure: FailureFacts, at: number) =>
  (row: Row | undefined, id: number): Row =>
    row?.kind === 'failure' && row.failure.code === failure.code && isSameSecond(row.at, at)
      ? { ...row, count: row.count + 1 }
      : { id, kind: 'failure', at, failure, count: 1 };

/** With a row more, or with the latest of its kind put in another's place: `make` says which by the id. */
function withRow(
  timeline: Timeline,
  kind: Row['kind'],
  make: (latest: Row | undefined, id: number) => Row,
): Timeline {
  const { nextId } = timeline;
  return withLast({ ...timeline, nextId: nextId + 1 }, (attempt) => {
    const latest = attempt.rows.findLast((row) => row.kind === kind);
    const made = make(latest, nextId);
    const rows =
      made.id === latest?.id
        ? attempt.rows.map((row) => (row === latest ? made : row))
        : [...attempt.rows, made];
    return { ...attempt, rows: rows.slice(-maxRows) };
  });
}

function withLast(timeline: Timeline, change: (attempt: Attempt) => Attempt): Timeline {
  const last = timeline.attempts.at(-1);
  return last
    ? { ...timeline, attempts: [...timeline.attempts.slice(0, -1), change(last)] }
    : timeline;
}

const sum = (a: Counts, b: Counts): Counts => ({
  in: a.in + b.in,
  out: a.out + b.out,
  unsent: a.unsent + b.unsent,
});

const isSameSecond = (a: number, b: number): boolean =>
  Math.floor(a / 1000) === Math.floor(b / 1000);
