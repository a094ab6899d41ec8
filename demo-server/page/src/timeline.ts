import type { State, Status, Token, TwoStageError, TwoStageSocket } from '@two-stage-socket/core';
import { now } from './clock.ts';
import { formatDuration, formatLifetime, formatSeconds } from './format.ts';
import { conditions, failureNote, statusLabels } from './labels.ts';
import { createStore, type Store } from './store.ts';

/** What a line of the timeline is about; the style of the line. */
export type Tone = Status | 'failure' | 'token' | 'message' | 'user';

/** One line of the timeline. */
export interface Entry {
  readonly id: number;
  readonly at: number;
  readonly tone: Tone;
  readonly text: string;
  readonly detail?: string | undefined;
}

/** What a panel has seen of its socket. */
export interface Timeline {
  /** The newest first. */
  readonly entries: readonly Entry[];
  /** When the attempt that is under way, or that came last, entered what. */
  readonly entered: { readonly [status in Status]?: number };
  /** The token of that attempt: how many there were up to it, and whether it was used before. */
  readonly token: { readonly number: number; readonly reused: boolean } | undefined;
  /** The last failure, for as long as nobody has closed the socket. */
  readonly failure: TwoStageError | undefined;
}

/** A timeline, and what is told to it beside the socket's own events. */
export interface OwnTimeline extends Store<Timeline> {
  note(tone: Tone, text: string, detail?: string): void;
  /** The token that goes out with an attempt. */
  noteToken(token: Token | undefined): void;
}

const maxEntries = 200;

const nothing: Timeline = { entries: [], entered: {}, token: undefined, failure: undefined };

export function createTimeline(socket: TwoStageSocket<any, any>): OwnTimeline {
  const store = createStore(nothing);
  let lastToken: string | undefined;
  let tokenCount = 0;

  const note = (tone: Tone, text: string, detail?: string) =>
    store.update((timeline) => withEntry(timeline, { at: now(), tone, text, detail }));

  const noteFailure = (failure: TwoStageError) => {
    if (store.getSnapshot().failure === failure) return;
    store.update((timeline) => ({ ...timeline, failure }));
    note('failure', failure.code, failureNote(failure));
  };

  socket.on('statechange', (state) => {
    if ('failure' in state && state.failure) noteFailure(state.failure);
    store.update((timeline) => withState(timeline, state, now()));
  });
  // A frame that could not be read fails without ending anything.
  socket.on('error', noteFailure);
  socket.on('unsent', ({ reason }) => note('message', 'Message not sent', reason));

  return {
    getSnapshot: store.getSnapshot,
    subscribe: store.subscribe,
    note,
    noteToken(token) {
      if (!token) return;
      const reused = token.token === lastToken;
      lastToken = token.token;
      if (!reused) tokenCount += 1;
      const number = tokenCount;
      store.update((timeline) => ({ ...timeline, token: { number, reused } }));
      note('token', `Token ${number} ${reused ? 'reused' : 'fetched'}`, describeToken(token));
    },
  };
}

function withEntry(timeline: Timeline, entry: Omit<Entry, 'id'>): Timeline {
  const id = (timeline.entries[0]?.id ?? 0) + 1;
  return { ...timeline, entries: [{ ...entry, id }, ...timeline.entries].slice(0, maxEntries) };
}

/** In the order in which an attempt goes through them; it may skip the first. */
const trying: readonly (Tone | undefined)[] = ['fetching-token', 'connecting', 'authenticating'];

function withState(timeline: Timeline, state: State, at: number): Timeline {
  const { status } = state;
  const before = timeline.entries.find(isState)?.tone;
  // During a handover the stages of the second connection go by unseen, all of them or the first.
  const isHandover = status === 'ready' && before === 'ready';
  const starts =
    trying.includes(status) && !trying.slice(0, trying.indexOf(status)).includes(before);
  const entered = { ...(!starts && !isHandover && timeline.entered), [status]: at };
  const { token, failure } =
    status === 'closed' && !state.failure
      ? nothing
      : starts
        ? { ...timeline, token: undefined }
        : timeline;
  return withEntry(
    { ...timeline, entered, token, failure },
    { at, tone: status, text: statusLabels[status], detail: describe(state, entered, at) },
  );
}

const isState = ({ tone }: Entry): boolean => tone in statusLabels;

function describe(state: State, entered: Timeline['entered'], at: number): string | undefined {
  switch (state.status) {
    case 'fetching-token':
    case 'connecting':
      return `attempt ${state.attempt}`;
    case 'ready': {
      const start = entered['fetching-token'] ?? entered.connecting ?? entered.authenticating;
      const how =
        start === undefined ? 'on another connection' : `in ${formatDuration(at - start)}`;
      return `${state.wire}, ${how}`;
    }
    case 'waiting':
      return state.until
        ? `until ${conditions[state.until]}`
        : `${formatSeconds((state.retryAt ?? at) - at)}, then attempt ${state.attempt + 1}`;
    case 'closed':
      return state.failure ? 'gave up' : 'on request';
  }
  return undefined;
}

function describeToken({ reusable, expiresIn }: Token): string {
  const use = reusable ? 'reusable' : 'single use';
  return expiresIn === undefined ? use : `${use}, for ${formatLifetime(expiresIn)}`;
}
