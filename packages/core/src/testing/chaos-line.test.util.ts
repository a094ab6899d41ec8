import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Random } from './chaos-random.test.util.ts';
import type { Line, Session } from './chaos-session.test.util.ts';
import { type Faults, misbehave, type World } from './chaos-world.test.util.ts';
import { originalAck, v1 } from './fakes.test.util.ts';

/** What a server does to one client and no other: refuses its init payload always. */
export type Refusal = 'says so' | 'drops it' | undefined;

export const rejection = 'authentication failed';

/** The server's end of a connection, with everything that can go wrong in it. */
export interface ServerLine extends Line {
  /** Cuts it off without a word. */
  tear(): void;
}

interface At extends ServerLine {
  readonly ws: WebSocket;
  readonly isV1: boolean;
  readonly random: Random;
  isSilent: boolean;
  ack(): void;
  say(count: number): void;
  control(frame: object): void;
  close(code: number, reason?: string): void;
  later(ms: number, action: () => void): void;
  /** What has just been sent must have the client let go. */
  mustEnd(by: string): void;
}

const retryAfter = ({ random }: At) => `retry-after=${random.int(0, 40)}`;

const closes = (stage: string, code: number, weight: number): Faults<At> => ({
  [`${stage}: closed with ${code}`]: [weight, (at) => at.close(code)],
});
const busyCloses = (stage: string, code: number): Faults<At> => ({
  [`${stage}: closed with ${code} and retry-after`]: [2, (at) => at.close(code, retryAfter(at))],
});

const initFaults: Faults<At> = {
  'init: no ack': [3, () => {}],
  'init: late ack': [3, (at) => at.later(at.random.int(20, 200), at.ack)],
  'init: garbage before the ack': [
    4,
    (at) => {
      for (const frame of [
        'not {json',
        '[]',
        'null',
        '{"type":"message","data":7}',
        `line:${at.id}:-1`,
      ]) {
        at.ws.send(frame);
      }
      at.ws.send(new Uint8Array([0, 1, 2]));
      at.ack();
    },
  ],
  'init: messages in one tick with the ack': [
    4,
    (at) => {
      at.ack();
      at.say(at.random.int(2, 10));
    },
  ],
  'init: dropped before the ack': [3, (at) => at.tear()],
  'init: dropped with the ack': [
    3,
    (at) => {
      at.ack();
      at.tear();
    },
  ],
  'init: refused by a message': [1, (at) => at.ws.send(rejection)],
  ...closes('init', 1000, 2),
  ...closes('init', 1011, 2),
  ...closes('init', 4400, 1),
  ...closes('init', 4401, 3),
  ...closes('init', 4403, 1),
  ...closes('init', 4408, 2),
  ...busyCloses('init', 1013),
};

const readyFaults: Faults<At> = {
  'ready: cut off (1006)': [3, (at) => at.tear()],
  ...closes('ready', 1000, 2),
  ...closes('ready', 1001, 1),
  ...closes('ready', 1011, 2),
  ...closes('ready', 4401, 1),
  ...closes('ready', 4403, 0.5),
  ...busyCloses('ready', 1012),
  ...busyCloses('ready', 1013),
  ...busyCloses('ready', 4429),
  'ready: closed without a code': [1, ({ ws }) => ws.close()],
  'ready: burst of messages': [4, (at) => at.say(at.random.int(20, 60))],
  'ready: binary': [3, ({ ws }) => ws.send(new Uint8Array([255, 0, 254]))],
  'ready: broken frame': [2, ({ ws }) => socketOf(ws)?.write(Buffer.from([0xff, 0xff, 0x00]))],
  'ready: silence': [
    1,
    (at) => {
      at.isSilent = true;
    },
  ],
};

const originalFaults: Faults<At> = {
  ...readyFaults,
  'ready: garbage': [4, ({ ws, random }) => ws.send(random.pick(['{"', '[1,2', '\u0000', '']))],
};

const v1Faults: Faults<At> = {
  ...readyFaults,
  // On this wire it ends the connection.
  'ready: garbage': [
    2,
    (at) => {
      at.ws.send(at.random.pick(['{"', '7', 'null', '{}', '']));
      at.mustEnd('garbage');
    },
  ],
  'ready: type that nobody knows': [
    2,
    (at) => at.control({ type: 'resume', data: `line:${at.id}:-1` }),
  ],
  'ready: going-away': [
    6,
    (at) => {
      const deadline = at.random.int(20, 200);
      at.isLeaving = true;
      at.control({ type: 'going-away', retryAfter: at.random.int(0, 20), deadline });
      at.later(deadline, () => at.close(1012, retryAfter(at)));
    },
  ],
};

const renewFaults: Faults<At> = {
  'renew: no answer': [1, () => {}],
  'renew: late answer': [1, (at) => at.later(at.random.int(20, 200), () => at.control(ackOf(at)))],
  ...closes('renew', 4401, 1),
};

const refusals = {
  'says so': (at: At) => at.close(4401),
  'drops it': (at: At) => at.tear(),
};

export function createLine(
  world: World,
  id: number,
  ws: WebSocket,
  session: Session,
  random: Random,
  refusal: Refusal,
): ServerLine {
  const { judge } = world;
  const isV1 = ws.protocol === v1;
  const timers = new Set<NodeJS.Timeout>();
  let frames = 0;
  let said = 0;

  const at: At = {
    id,
    session,
    ws,
    isV1,
    random,
    acked: false,
    torn: false,
    isLeaving: false,
    isSilent: false,
    heard: 0,
    get isOpen() {
      return ws.readyState === ws.OPEN;
    },
    ping: (data) => ws.ping(data),
    tear() {
      at.torn = true;
      ws.terminate();
    },
    ack() {
      if (!at.isOpen) return;
      ws.send(isV1 ? JSON.stringify(ackOf(at)) : originalAck);
      judge.acked(at);
      wake();
    },
    say(count) {
      for (let n = 0; n < count && at.isOpen; n += 1) {
        const saying = `line:${id}:${++said}`;
        const form = random.pick(['text', 'object', 'binary']);
        const data = form === 'object' ? { saying } : saying;
        if (form === 'binary') ws.send(new TextEncoder().encode(saying));
        else if (isV1) at.control({ type: 'message', data });
        else ws.send(typeof data === 'string' ? data : JSON.stringify(data));
      }
    },
    control: (frame) => ws.send(JSON.stringify(frame)),
    close: (code, reason) => ws.close(code, reason),
    mustEnd: (by) => judge.ended(at, 'C7', `after ${by}`),
    later(ms, action) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        if (at.isOpen) action();
      }, ms);
      timers.add(timer);
    },
  };

  /** Something happens now and then, for as long as the connection lives. */
  const wake = () =>
    at.later(random.int(1, 60), () => {
      // One that is going away has done enough.
      const rate = at.isLeaving || at.isSilent ? 0 : 0.6;
      const faults = isV1 ? v1Faults : originalFaults;
      misbehave(world, random, rate, faults, at, () => !at.isSilent && at.say(1));
      if (at.isOpen) wake();
    });

  const readInit = (text: string) => {
    const { type, token } = parse(text) ?? {};
    if (type !== 'jwt') return judge.violate('C1', `first frame of line ${id}: ${text}`);
    judge.same(judge.read(stampIn(token), 'init payload'), session, 'token and init payload');
    if (refusal && !world.isWell) {
      world.tally.fault(`init: refused always, server ${refusal}`);
      return refusals[refusal](at);
    }
    misbehave(world, random, 0.3, initFaults, at, at.ack);
  };

  const readControl = (text: string) => {
    const { type, token } = parse(text) ?? {};
    if (type === 'ping') {
      if (!at.isSilent) at.control({ type: 'pong' });
    } else if (type === 'jwt') {
      judge.same(judge.read(stampIn(token), 'renewal'), session, 'connection and renewal');
      misbehave(world, random, 0.4, renewFaults, at, () => at.control(ackOf(at)));
    } else if (type !== 'pong') judge.violate('C1', `line ${id}: ${text}`);
    if (!at.acked) judge.violate('C1', `before the ack of line ${id}: ${text}`);
  };

  ws.on('message', (data, isBinary) => {
    const text = String(data);
    if (frames++ === 0) readInit(text);
    else if (judge.arrived(at, text)) {
      const isEnvelope = parse(text)?.type === 'message';
      if (!isBinary && isV1 !== isEnvelope) judge.violate('C1', `line ${id}, wrong wire: ${text}`);
    } else if (isV1) readControl(text);
    else if (text !== 'ping') judge.violate('C1', `line ${id}: ${text}`);
    else if (!at.isSilent) ws.send('pong');
  });
  ws.on('pong', (data) => judge.pong(String(data)));
  ws.on('error', () => {});
  ws.on('close', () => {
    for (const timer of timers) clearTimeout(timer);
  });
  judge.accepted(at);
  return at;
}

const ackOf = ({ session, random, isSilent }: At) => ({
  type: 'ready',
  user: session.user,
  expiresIn: 3_600_000,
  heartbeat: isSilent ? 0 : random.int(30, 120),
});

/** The stamp in a JWT. */
export const stampIn = (jwt: unknown): string | undefined => String(jwt).split(':')[1];

function parse(text: string): { readonly type?: unknown; readonly token?: unknown } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** For what `ws` would never send. */
const socketOf = (ws: WebSocket) => (ws as unknown as { readonly _socket?: Socket })._socket;
