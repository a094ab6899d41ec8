import { inspect } from 'node:util';
import type { Events, State, Status } from '../types.ts';
import { arrows } from './diagram.test.util.ts';
import type { FakeWebSocket } from './fakes.test.util.ts';

/** What the model knows of a WebSocket beside what the client sees. */
export interface Line extends FakeWebSocket {
  /** Whose it is: who the app's user was when it was dialled. */
  readonly owner: number;
  isAcked: boolean;
  /** Whether the client has told that it is ready. */
  isTold: boolean;
  isGoingAway: boolean;
  /** When it died unseen, in ms awake. */
  deadAt: number | undefined;
}

type Outcome = 'sent' | 'queued' | 'refused' | 'threw';

interface Message {
  outcome: Outcome | undefined;
  order: number;
  onWire: number;
  unsent: number;
}

const lawful = arrows();

const told = /u(\d+) (m|said )(\d+)/;

/** What marks every token and payload of the model. */
export const secret = 'secret';

/**
 * The books of a run, and what must be true of them. A law that is broken is noted, and thrown by
 * `check`: thrown where it is found, the client might catch it.
 */
export function createLaws() {
  const lines: Line[] = [];
  const messages: Message[] = [];
  const signals = new Set<AbortSignal>();
  const fetches: { readonly signal: AbortSignal; isOver: boolean }[] = [];
  const moves = new Set<string>();
  let broken: string | undefined;
  let state: State = { status: 'idle' };
  let isOver = false;
  let opens = 0;
  let closes = 0;
  let orders = 0;
  let lastOrder = -1;
  let said = 0;
  let lastSaid = -1;

  const must = (holds: boolean, law: string) => {
    if (!holds) broken ??= law;
  };
  const live = () => lines.filter((line) => line.live);

  return {
    lines,
    live,
    signals,
    fetches,
    moves,
    must,
    get lastTold() {
      return state;
    },

    /** The app has asked for it to be open. */
    opened() {
      opens += 1;
    },

    dialled(line: Line, token: string | undefined, isTokenUsed: boolean) {
      const before = live();
      must(
        before.length === 0 || (before.length === 1 && !!before[0]?.isGoingAway),
        'C2: one connection, two only during a handover',
      );
      lines.push(line);
      must(token?.endsWith(` u${line.owner}`) ?? true, "C4: another user's token");
      must(!isTokenUsed, 'a token that is spent was dialled again');
    },

    left(line: Line, frame: unknown, isFirst: boolean) {
      must(line.live, 'C3: a frame after the connection was let go');
      const text = String(frame);
      if (text.includes('jwt')) {
        must(text.includes(`jwt u${line.owner}"`), "C4: another user's payload");
        must(isFirst || line.isAcked, 'C1: a second payload before the ack');
        return;
      }
      must(line.isAcked, 'C1: a frame before the ack');
      const [, user, , id] = told.exec(text) ?? [];
      if (user === undefined) return;
      must(Number(user) === line.owner, "C4: another user's message");
      const message = messages[Number(id)] as Message;
      message.onWire += 1;
      must(message.order > lastOrder, 'C9: out of order');
      lastOrder = message.order;
    },

    compose(user: number): [id: number, text: string] {
      const id = messages.length;
      messages.push({ outcome: undefined, order: orders++, onWire: 0, unsent: 0 });
      return [id, `u${user} m${id}`];
    },

    /** A message takes its place when it has become a frame: the encoder may send others first. */
    encoded(text: unknown) {
      const [, , , id] = told.exec(String(text)) ?? [];
      const message = messages[Number(id)];
      if (message) message.order = orders++;
    },

    sent(id: number, outcome: Outcome) {
      const message = messages[id] as Message;
      message.outcome = outcome;
      if (outcome !== 'queued') {
        must(message.onWire === +(outcome === 'sent'), `C9: ${outcome}, but not so`);
      }
    },

    say(line: Line): string {
      return `u${line.owner} said ${said++}`;
    },

    /** The client has told of `event`; `now` is its state at that moment. */
    told<K extends keyof Events>(event: K, payload: any, now: State, user: number) {
      if (event !== 'statechange' && event !== 'unsent') {
        const isLast = event === 'close' || (event === 'error' && payload === (now as any).failure);
        const isClosed = now.status === 'closed' || now.status === 'idle';
        must(!isClosed || isLast, `C3: ${event} in ${now.status}`);
      }
      // A close takes back what nobody has heard of yet: the socket may have been open in between.
      const mayBeUnheard = closes <= opens;
      must(
        !isOver || event === 'statechange' || (event === 'unsent' && mayBeUnheard),
        `C3: ${event} after close`,
      );
      if (event === 'statechange') {
        const from: Status = state.status;
        const to: Status = payload.status;
        must(payload !== state, 'a statechange without a new snapshot');
        const isUnheard = from === 'closed' && to === 'closed' && mayBeUnheard;
        closes += +(to === 'closed');
        const move = `${from} > ${to}`;
        must(isUnheard || lawful.has(move), `state: ${move} is not in the diagram`);
        if (!isUnheard) moves.add(move);
        state = payload;
        isOver = false;
      } else if (event === 'close') {
        isOver = true;
      } else if (event === 'ready') {
        const fresh = lines.find((line) => line.isAcked && !line.isTold);
        must(fresh !== undefined, 'ready without a new connection');
        if (fresh) fresh.isTold = true;
      } else if (event === 'unsent') {
        const [, , , id] = told.exec(payload.message) ?? [];
        const message = messages[Number(id)] as Message;
        message.unsent += 1;
        must(message.onWire === 0, 'C9: unsent, but it has left');
        must(message.unsent === 1, 'C9: unsent twice');
      } else if (event === 'message') {
        const [, owner, verb, id] = told.exec(payload) ?? [];
        if (verb === 'said ') {
          must(Number(id) > lastSaid, 'a message twice, or out of order');
          must(Number(owner) === user, "C4: another user's message came");
          lastSaid = Number(id);
        }
      } else if (event === 'error') {
        const { message, cause } = payload;
        const text = message + JSON.stringify(payload) + (cause ? inspect(cause) : '');
        must(!text.includes(secret), 'C8: a secret in an error');
        const isLate = payload.code === 'token-timeout' && fetches.every((fetch) => fetch.isOver);
        must(!isLate, 'a token that has come, or failed, is told to be late');
      }
    },

    /** Whether the last thing that a server said has been told. */
    hasHeard: () => lastSaid === said - 1,

    account() {
      for (const { outcome, onWire, unsent } of messages) {
        const isKept = outcome === 'sent' || outcome === 'queued';
        must(onWire + unsent === +isKept, `C9: ${outcome}, sent ${onWire}, unsent ${unsent}`);
      }
    },

    check() {
      if (broken) throw new Error(broken);
    },
  };
}

export type Laws = ReturnType<typeof createLaws>;
