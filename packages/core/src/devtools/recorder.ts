import type { TwoStageError } from '../errors.ts';
import type { TwoStageSocket } from '../socket.ts';
import type { State, Until } from '../types.ts';
import { describe, preview } from './mask.ts';
import { reduceTimeline } from './reduce-timeline.ts';
import {
  type Direction,
  emptyTimeline,
  type FailureRecord,
  noCounts,
  type Observation,
  type Sample,
  type StateRecord,
  type Timeline,
} from './timeline.ts';

/** How many messages a second, each way, are described; the others are counted. */
const maxSamples = 3;

/** What is watched of a socket. */
export type Inspected = Pick<TwoStageSocket<any, any>, 'on' | 'getSnapshot'>;

/** What sees a socket's events, and keeps what may be told of them. */
export interface Recorder {
  getTimeline(): Timeline;
  clear(): void;
  /** Listens no longer; what was seen stays. */
  stop(): void;
}

/**
 * Watches a socket, of which it keeps nothing: a socket that nobody else holds can be collected. Messages
 * cost a few additions each, and come into the timeline when that is asked for.
 */
export function recordSocket(
  socket: Inspected,
  showsMessages: boolean,
  onChange: () => void,
): Recorder {
  const tellOf = showsMessages ? preview : describe;
  const known = new WeakSet<TwoStageError>();
  let timeline = emptyTimeline;
  let pending:
    | { at: number; counts: { [direction in Direction]: number }; samples: Sample[] }
    | undefined;
  let sampled = { second: 0, counts: { ...noCounts } as { [direction in Direction]: number } };

  const flush = () => {
    if (pending) timeline = reduceTimeline(timeline, { type: 'traffic', ...pending });
    pending = undefined;
  };
  const observe = (event: Observation) => {
    flush();
    timeline = reduceTimeline(timeline, event);
    onChange();
  };
  const count = (direction: Direction, message: unknown, note = '') => {
    const at = Date.now();
    const second = Math.floor(at / 1000);
    if (sampled.second !== second) {
      flush();
      sampled = { second, counts: { ...noCounts } };
    }
    pending ??= { at, counts: { ...noCounts }, samples: [] };
    pending.counts[direction] += 1;
    sampled.counts[direction] += 1;
    if (sampled.counts[direction] <= maxSamples) {
      pending.samples.push({ direction, text: tellOf(message) + note });
    }
    onChange();
  };
  const news = (failure: TwoStageError | undefined) => {
    if (!failure || known.has(failure)) return undefined;
    known.add(failure);
    return toFailureRecord(failure);
  };
  const observeState = (state: State) =>
    observe({ type: 'state', at: Date.now(), state: toStateRecord(state, news) });

  observeState(socket.getSnapshot());
  const stops = [
    socket.on('statechange', observeState),
    socket.on('error', (error) => {
      const failure = news(error);
      if (failure) observe({ type: 'failure', at: Date.now(), failure });
    }),
    socket.on('message', (message) => count('in', message)),
    socket.on('sent', (message) => count('out', message)),
    socket.on('unsent', ({ message, reason }) => count('unsent', message, ` (${reason})`)),
  ];
  return {
    getTimeline() {
      flush();
      return timeline;
    },
    clear: () => observe({ type: 'clear' }),
    stop() {
      for (const stop of stops) stop();
    },
  };
}

function toStateRecord(
  state: State,
  news: (failure: TwoStageError | undefined) => FailureRecord | undefined,
): StateRecord {
  const { status } = state;
  return {
    status,
    attempt: 'attempt' in state ? state.attempt : undefined,
    wire: state.status === 'ready' ? state.wire : undefined,
    until: state.status === 'waiting' ? toUntil(state) : undefined,
    failure: news('failure' in state ? state.failure : undefined),
  };
}

const toUntil = ({ until, retryAt }: Until): Until => (until ? { until } : { retryAt });

function toFailureRecord(error: TwoStageError): FailureRecord {
  const { code, stage, retryable, status, closeCode, retryAfter, cause } = error;
  return { code, stage, retryable, status, closeCode, retryAfter, cause: nameOf(cause) };
}

/** The class of an error: nothing that an app may have written. */
function nameOf(cause: unknown): string | undefined {
  try {
    const name = cause instanceof Error && cause.name;
    return name && /^[A-Z][A-Za-z]{0,40}(Error|Exception)$/.test(name) ? name : undefined;
  } catch {
    return undefined;
  }
}
