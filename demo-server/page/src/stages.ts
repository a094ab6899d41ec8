import type { Stage, State, Status } from '@two-stage-socket/core';
import { formatDuration } from './format.ts';
import { conditions } from './labels.ts';
import type { Timeline } from './timeline.ts';

/** How a node of the diagram stands: where the socket is, has been, has failed, or has yet to get. */
export type Mark = 'now' | 'done' | 'failed' | 'ahead';

/** A node of the state diagram. */
export interface Node {
  readonly status: Status;
  readonly mark: Mark;
  /** What goes over the wire meanwhile. */
  readonly wire: string;
  /** What is known of it: how long it took, or which token. */
  readonly note: string | undefined;
  /** Since when the socket is there, where that is worth counting. */
  readonly since: number | undefined;
  /** When the socket leaves it. */
  readonly until: number | undefined;
}

/** A group of nodes: one of the two stages, or what is outside of them. */
export interface Group {
  readonly stage: 'token' | 'init' | undefined;
  readonly title: string | undefined;
  readonly subtitle: string | undefined;
  readonly nodes: readonly Node[];
}

const path: readonly Status[] = ['fetching-token', 'connecting', 'authenticating', 'ready'];

const statusOf: { readonly [stage in Stage]: Status } = {
  token: 'fetching-token',
  connect: 'connecting',
  init: 'authenticating',
  ready: 'ready',
};

const wires: { readonly [status in Status]: string } = {
  idle: 'before connect()',
  'fetching-token': 'POST /token/ws',
  connecting: 'GET /demo?token=…',
  authenticating: '{ type: "jwt", token: … }',
  ready: 'messages, both ways',
  waiting: 'then it starts over',
  closed: 'until connect()',
};

/** The state diagram, as the state and what led to it have it. */
export function toGroups(state: State, timeline: Timeline): readonly Group[] {
  const node = (status: Status): Node => toNode(status, state, timeline);
  const plain = (...nodes: Node[]): Group => ({
    stage: undefined,
    title: undefined,
    subtitle: undefined,
    nodes,
  });
  return [
    plain(node('idle')),
    {
      stage: 'token',
      title: '1 Token stage',
      subtitle: 'who may connect',
      nodes: [node('fetching-token'), node('connecting')],
    },
    {
      stage: 'init',
      title: '2 Init stage',
      subtitle: 'who is speaking',
      nodes: [node('authenticating')],
    },
    plain(node('ready')),
    plain(node('waiting'), node('closed')),
  ];
}

function toNode(status: Status, state: State, { entered, token }: Timeline): Node {
  const mark = toMark(status, state);
  const isNow = mark === 'now';
  const from = entered[status];
  const next = path[path.indexOf(status) + 1];
  const to = next && entered[next];
  const took = mark === 'done' && from !== undefined && to !== undefined;
  const condition = isNow && state.status === 'waiting' && state.until;
  const isReused = status === 'fetching-token' && token?.reused && mark !== 'ahead';
  return {
    status,
    mark,
    wire: isReused
      ? `token ${token.number}, reused`
      : condition
        ? `until ${conditions[condition]}`
        : wires[status],
    note: took ? formatDuration(to - from) : undefined,
    since: isNow && path.includes(status) ? from : undefined,
    until: isNow && state.status === 'waiting' ? state.retryAt : undefined,
  };
}

function toMark(status: Status, state: State): Mark {
  if (status === state.status) return state.status === 'closed' && state.failure ? 'failed' : 'now';
  const isOver = state.status === 'waiting' || state.status === 'closed';
  const reached = isOver ? state.failure && statusOf[state.failure.stage] : state.status;
  if (status === reached) return 'failed';
  return path.includes(status) && reached && path.indexOf(status) < path.indexOf(reached)
    ? 'done'
    : 'ahead';
}
