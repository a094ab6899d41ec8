import { now } from './clock.ts';

export const messageKinds = ['echo', 'individual', 'broadcast'] as const;
export type MessageKind = (typeof messageKinds)[number];

/** A message that came in. */
export interface Received {
  readonly id: number;
  readonly at: number;
  readonly kind: MessageKind;
  readonly text: string;
}

/** What came in so far. */
export interface Messages {
  /** The newest first. */
  readonly list: readonly Received[];
  readonly counts: { readonly [kind in MessageKind]: number };
}

export const noMessages: Messages = {
  list: [],
  counts: { echo: 0, individual: 0, broadcast: 0 },
};

const maxMessages = 100;

/** Folds a message in: for `useReducedMessages` and its equals. */
export function receive({ list, counts }: Messages, message: unknown): Messages {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  const kind = kindOf(text);
  const id = (list[0]?.id ?? 0) + 1;
  return {
    list: [{ id, at: now(), kind, text }, ...list].slice(0, maxMessages),
    counts: { ...counts, [kind]: counts[kind] + 1 },
  };
}

/** Told by what the reference server writes: the individual pipeline, the broadcast, or an answer. */
function kindOf(text: string): MessageKind {
  if (/^ping \d+$/.test(text)) return 'individual';
  if (/^broadcast message \d+$/.test(text)) return 'broadcast';
  return 'echo';
}
