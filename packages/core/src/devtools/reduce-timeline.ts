import type { Until } from '../types.ts';
import {
  type AttemptRecord,
  type Counts,
  type FailureRecord,
  maxAttemptRecords,
  maxRows,
  noCounts,
  type Observation,
  type Outcome,
  type Row,
  type StageSpan,
  type StageStatus,
  type StateRecord,
  stageStatuses,
  type Timeline,
} from './timeline.ts';

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

function withState(timeline: Timeline, state: StateRecord, at: number): Timeline {
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
  state: StateRecord,
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
function withAttempt(timeline: Timeline, state: StateRecord, at: number): Timeline {
  return timeline.attempts.length ? timeline : started(timeline, state, false, at);
}

function started(
  timeline: Timeline,
  { attempt = 1 }: StateRecord,
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
    attempts: attempts.slice(-maxAttemptRecords),
    forgotten: timeline.forgotten + Math.max(0, attempts.length - maxAttemptRecords),
    nextId: nextId + 1,
  };
}

function entered(
  attempt: AttemptRecord,
  { wire }: StateRecord,
  status: StageStatus,
  at: number,
): AttemptRecord {
  const stages = [...leftStage(attempt.stages, at), { status, from: at }];
  return { ...attempt, stages, wire: wire ?? attempt.wire };
}

/** Over, unless it was; what it waited for since is over as well. */
function ended(attempt: AttemptRecord, outcome: Outcome, at: number): AttemptRecord {
  const isWaiting = attempt.wait && attempt.wait.to === undefined;
  const wait = isWaiting ? { ...attempt.wait, to: at } : attempt.wait;
  if (attempt.to !== undefined) {
    // A wait is followed by a try, unless it is called off.
    const isOff = isWaiting && (outcome === 'closed' || outcome === 'gave up');
    return { ...attempt, wait, outcome: isOff ? outcome : attempt.outcome } as AttemptRecord;
  }
  return {
    ...attempt,
    wait,
    outcome,
    to: at,
    stages: leftStage(attempt.stages, at),
  } as AttemptRecord;
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
  (failure: FailureRecord, at: number) =>
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

function withLast(timeline: Timeline, change: (attempt: AttemptRecord) => AttemptRecord): Timeline {
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
