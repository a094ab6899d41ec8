import { inspect } from 'node:util';
import {
  type Line,
  type Message,
  messagePattern,
  type Session,
  sayingPattern,
  secretMark,
} from './chaos-session.test.util.ts';

export interface Judge {
  readonly violations: readonly string[];
  readonly violated: Promise<void>;
  readonly sessions: readonly Session[];
  violate(law: string, what: unknown): void;
  begin(client: number, user: string): Session;
  /** C4, C3: reads the session that a credential was made for. */
  read(stamp: string | null | undefined, what: string): Session | undefined;
  /** C4: two credentials that went out together. */
  same(one: Session | undefined, other: Session | undefined, what: string): void;
  /** C3: the session has been closed. */
  over(session: Session): void;
  /** C2, C3. */
  accepted(line: Line): void;
  /** C2: the newer one takes over. */
  acked(line: Line): void;
  /** Whatever the server has just sent, the client must have let go of the connection by it. */
  ended(line: Line, law: string, by: string): void;
  /** The answer to a `ping` of the judge's. */
  pong(id: string): void;
  /** C4, C9: a message arrived; false where the text holds none. */
  arrived(line: Line, text: string): boolean;
  /** C9: the client reports a message unsent. */
  unsent(text: string): void;
  /** A message of the server's was heard by the app. */
  heard(session: Session, text: string): void;
  /** C8. */
  search(what: string, told: unknown): void;
  /** C9, when everything has come to rest; returns how many messages came to what. */
  account(): { [outcome: string]: number };
}

export function createJudge(): Judge {
  const violations: string[] = [];
  const sessions: Session[] = [];
  const byKey = new Map<string, Session>();
  const begun = new Map<number, number>();
  const lines = new Map<number, Line>();
  const openLines = new Map<number, Line[]>();
  const probes = new Map<string, { readonly law: string; readonly what: string }>();
  const takeovers = new Map<string, Line>();
  let onViolated!: () => void;
  const violated = new Promise<void>((resolve) => {
    onViolated = resolve;
  });
  let pings = 0;

  const violate = (law: string, what: unknown) => {
    violations.push(`${law}: ${typeof what === 'string' ? what : inspect(what)}`);
    onViolated();
  };

  const describe = ({ id, session }: Line) => `line ${id} of ${session.client}.${session.number}`;

  /** A client that has let go of a connection does not answer pings: a pong is proof that it has not. */
  const probe = (line: Line, law: string, what: string) => {
    if (!line.isOpen) return;
    const id = `probe ${pings++}`;
    probes.set(id, { law, what: `${what}: ${describe(line)} is alive` });
    line.ping(id);
  };

  const olderThan = (line: Line) =>
    (openLines.get(line.session.client) ?? []).filter(({ id, isOpen }) => isOpen && id < line.id);

  const findMessage = (text: string) => {
    const [, stamp = '', serial] = messagePattern.exec(text) ?? [];
    const [client, number] = stamp.split('.');
    return byKey.get(`${client}.${number}`)?.messages[Number(serial)];
  };

  const accountFor = (session: Session, message: Message, index: number) => {
    const { outcome, unsent, line, id } = message;
    if (outcome !== 'sent' && outcome !== 'queued') {
      if (line || unsent) violate('C9', `${id} was refused, and ${line ? 'arrived' : 'unsent'}`);
      return 'refused';
    }
    if (unsent && (line || outcome === 'sent')) violate('C9', `${id} went, and is unsent`);
    if (unsent) return 'unsent';
    if (line) return 'arrived';
    // On its way on a connection that was cut: after whatever arrived there, before what came later.
    const before = session.messages.slice(0, index).findLast((other) => other.line)?.line;
    const after = session.messages.slice(index).find((other) => other.line)?.line;
    const suspects = session.lines.filter(
      (suspect) =>
        suspect.id >= (before?.id ?? 0) && suspect.id < (after?.id ?? Number.POSITIVE_INFINITY),
    );
    if (!suspects.some(({ acked, torn }) => acked && torn)) {
      violate('C9', `${id} (${outcome}) neither arrived, nor is unsent, nor was cut off`);
    }
    return 'lost on a connection that was cut';
  };

  return {
    violations,
    violated,
    sessions,
    violate,
    begin(client, user) {
      const number = begun.get(client) ?? 0;
      begun.set(client, number + 1);
      const session: Session = {
        client,
        number,
        user,
        isOver: false,
        messages: [],
        lines: [],
        lastArrived: -1,
      };
      sessions.push(session);
      byKey.set(`${client}.${number}`, session);
      return session;
    },
    read(stamp, what) {
      const [client, number, user, state] = (stamp ?? '').split('.');
      const session = byKey.get(`${client}.${number}`);
      if (!session) violate('C4', `${what} of nobody: ${stamp}`);
      else if (session.user !== user) violate('C4', `${what} of ${user} in ${session.user}'s`);
      if (state === 'over') violate('C3', `${what} after close(): ${stamp}`);
      return session;
    },
    same(one, other, what) {
      if (one !== other) {
        violate('C4', `${what}: ${one?.client}.${one?.number}, ${other?.client}.${other?.number}`);
      }
    },
    over(session) {
      for (const line of session.lines) probe(line, 'C3', 'after close()');
    },
    accepted(line) {
      const older = olderThan(line);
      for (const other of older) {
        if (!other.isLeaving) probe(other, 'C2', `beside ${describe(line)}`);
      }
      lines.set(line.id, line);
      openLines.set(line.session.client, [...older, line]);
      line.session.lines.push(line);
      if (line.session.isOver) probe(line, 'C3', 'opened after close()');
    },
    acked(line) {
      line.acked = true;
      if (!olderThan(line).length) return;
      // Answered once the ack has been read.
      const id = `takeover ${pings++}`;
      takeovers.set(id, line);
      line.ping(id);
    },
    ended: probe,
    pong(id) {
      const proven = probes.get(id);
      if (proven) violate(proven.law, proven.what);
      const line = takeovers.get(id);
      for (const other of line ? olderThan(line) : []) {
        probe(other, 'C2', `though ${describe(line as Line)} is ready`);
      }
    },
    arrived(line, text) {
      const message = findMessage(text);
      if (!message) return false;
      const { session } = line;
      const [, stamp = ''] = messagePattern.exec(text) ?? [];
      if (session.messages[message.serial] !== message) {
        violate('C4', `${message.id} came on ${describe(line)}`);
      }
      if (stamp.split('.')[2] !== session.user) violate('C4', `${message.id}: ${session.user}`);
      if (message.line) violate('C9', `${message.id} came twice`);
      if (message.serial <= session.lastArrived) violate('C9', `${message.id} is out of order`);
      if (!line.acked) violate('C1', `${message.id} came before the ack of ${describe(line)}`);
      session.lastArrived = message.serial;
      message.line = line;
      return true;
    },
    unsent(text) {
      const message = findMessage(text);
      if (!message) return violate('C9', `unsent: ${text}`);
      if (message.unsent) violate('C9', `${message.id} is unsent twice`);
      message.unsent = true;
    },
    heard(session, text) {
      const [, id, n] = sayingPattern.exec(text) ?? [];
      if (id === undefined) return;
      const line = lines.get(Number(id)) as Line;
      if (line.session !== session) violate('C4', `heard of ${describe(line)}: ${text}`);
      if (Number(n) !== line.heard + 1) violate('C1', `heard ${text} after ${line.heard}`);
      line.heard = Number(n);
    },
    search(what, told) {
      if (String(told).includes(secretMark)) violate('C8', `${what}: ${told}`);
    },
    account() {
      const outcomes: { [outcome: string]: number } = {};
      for (const session of sessions) {
        for (const [index, message] of session.messages.entries()) {
          const outcome = accountFor(session, message, index);
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        }
      }
      return outcomes;
    },
  };
}
