import type { TwoStageError } from '../errors.ts';
import type { Status, Until, Wire } from '../types.ts';

/** Which way a message went: `unsent` is one that was queued and will not be sent. */
export type Direction = 'in' | 'out' | 'unsent';

/** How many messages went which way. */
export type Counts = { readonly [direction in Direction]: number };

export const noCounts: Counts = { in: 0, out: 0, unsent: 0 };

/** What may be told of a failure: none of what an app has put into it. */
export interface FailureRecord
  extends Pick<
    TwoStageError,
    'code' | 'stage' | 'status' | 'closeCode' | 'retryAfter' | 'retryable'
  > {
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
  readonly failure: FailureRecord;
  readonly count: number;
}

export type Row = TrafficRow | FailureRow;

/**
 * How an attempt, or the connection that came of it, ended: `failed` and to be tried again, `gave up`,
 * `closed` on request, `started over` by `reconnect()`, `handed over` to another connection.
 */
export type Outcome = 'failed' | 'gave up' | 'closed' | 'started over' | 'handed over';

/** One try at both stages, the connection that came of it, and the wait that followed. */
export interface AttemptRecord extends Span {
  readonly id: number;
  /** The try in a row, from 1. */
  readonly number: number;
  /** Whether it took over from a connection whose server was going away; its stages go by unseen. */
  readonly isHandover: boolean;
  readonly stages: readonly StageSpan[];
  readonly wire?: Wire | undefined;
  readonly outcome?: Outcome | undefined;
  readonly failure?: FailureRecord | undefined;
  readonly wait?: (Span & Until) | undefined;
  readonly counts: Counts;
  /** The oldest first, the last `maxRows` of them. */
  readonly rows: readonly Row[];
}

/** What was seen of a socket. */
export interface Timeline {
  readonly status: Status;
  /** The oldest first, the last `maxAttemptRecords` of them. */
  readonly attempts: readonly AttemptRecord[];
  /** How many attempts came before those. */
  readonly forgotten: number;
  readonly counts: Counts;
  readonly nextId: number;
}

/** The state of a socket, as far as it may be told. */
export interface StateRecord {
  readonly status: Status;
  readonly attempt?: number | undefined;
  readonly wire?: Wire | undefined;
  readonly until?: Until | undefined;
  /** What it came with, where that was not known before. */
  readonly failure?: FailureRecord | undefined;
}

/** Something that happened to a socket, masked. */
export type Observation =
  | { readonly type: 'state'; readonly at: number; readonly state: StateRecord }
  | { readonly type: 'failure'; readonly at: number; readonly failure: FailureRecord }
  | {
      readonly type: 'traffic';
      readonly at: number;
      readonly counts: Counts;
      readonly samples: readonly Sample[];
    }
  /** Somebody wants what lies behind out of sight. */
  | { readonly type: 'clear' };

export const maxAttemptRecords = 50;
export const maxRows = 60;

export const emptyTimeline: Timeline = {
  status: 'idle',
  attempts: [],
  forgotten: 0,
  counts: noCounts,
  nextId: 1,
};
