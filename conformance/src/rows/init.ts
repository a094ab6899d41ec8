import type { Connection, Frame } from '../connection.ts';
import { expectRefusal, howItEnded } from '../ends.ts';
import { encodeFrame, Opcode, textFrame } from '../frames.ts';
import { decodeJwt, flaws, lifeOf } from '../jwt.ts';
import { about, expect, fail, NotRun, show } from '../outcome.ts';
import { onEachWire, onWire, type Row } from '../row.ts';
import type { Session } from '../session.ts';
import { within } from '../time.ts';
import {
  initPayload,
  isBroadcast,
  isPipeline,
  original,
  readTyped,
  twoStage,
  type Wire,
} from '../wire.ts';
import { badJwt } from './token-route.ts';

/** How much later than a silent socket one may end whose deadline nothing should have moved, in ms. */
const DEADLINE_SLACK = 1000;

/** How often something is sent on a socket that dawdles, in ms. */
const DAWDLE = 50;

/** Half of it is never written: that would take minutes. */
const LONG_FRAME = textFrame(initPayload('x'.repeat(4000)));

/** How often that is tried on a machine that is held up. */
const MOST_TRIES = 3;

/** An opcode that nobody has given a meaning yet (RFC 6455, section 5.2). */
const RESERVED = 0x3;

/** First frames that are no init payload. */
function notInitPayloads(jwt: string): Readonly<Record<string, string | Buffer>> {
  return {
    'no JSON': 'hello',
    'a ping': '{"type":"ping"}',
    'a message': '{"type":"message","data":"hello"}',
    'a jwt without a token': '{"type":"jwt"}',
    'a number as the token': '{"type":"jwt","token":1}',
    'another type': JSON.stringify({ type: 'JWT', token: jwt }),
    'an array': JSON.stringify([{ type: 'jwt', token: jwt }]),
    'a __proto__': `{"__proto__":${initPayload(jwt)}}`,
    'a binary frame': Buffer.from(initPayload(jwt)),
  };
}

/** Section 5. */
export const initRows: readonly Row[] = [
  ...onEachWire({
    rules: ['5.2.1'],
    title: 'broadcasts run while a socket waits: no data frame',
    phase: 'waiting',
    run: expectSilence,
  }),
  ...onEachWire({
    rules: ['5.2.2'],
    title: 'init payload and 50 messages at once: the ack, then 50 echoes in order',
    async run(session, wire) {
      const { connection, jwt } = await session.open(wire, session.user);
      const texts = Array.from({ length: 50 }, (_, index) => `message ${index}`);
      const frames = [initPayload(jwt), ...texts.map((text) => wire.say(text))];
      connection.write(Buffer.concat(frames.map(textFrame)));
      const own = (): readonly (string | Buffer)[] =>
        connection.frames.filter((frame) => !isPipeline(wire, frame));
      const wait = connection.until(() => own().length > texts.length);
      await within(session.prompt, 'the ack and 50 echoes', wait).catch((error) => {
        const came = own().length;
        if (came === 0) throw error;
        fail('the ack and 50 echoes', `${came} frames, the last one ${show(own().at(-1))}`);
      });
      const [ack, ...echoes] = own();
      expect(wire.isAck(ack) && ack === connection.frames[0], 'the ack first', show(ack));
      texts.forEach((text, index) => {
        const echo = echoes[index];
        const heard = echo === undefined ? howItEnded(connection) : wire.hear(echo);
        expect(heard === `echo: ${text}`, show(`echo: ${text}`), show(heard ?? echo));
      });
    },
  }),
  ...onEachWire({
    rules: ['5.2.3'],
    title: 'a first frame of 1 MB: ends, no data frame',
    async run(session, wire) {
      const { connection, jwt } = await session.open(wire, session.user);
      const padding = 'x'.repeat(1_000_000);
      connection.send(JSON.stringify({ type: 'jwt', token: jwt, padding }));
      const something = connection.until(() => connection.frames.length > 0);
      await within(session.prompt, 'an end', something);
      const [frame] = connection.frames;
      if (frame !== undefined) fail('no data frame', show(frame));
      // A server that does not read on may reset the connection before its close frame is seen.
      const code = connection.closeFrame?.code;
      expect(code === undefined || code === 1009, 'close code 1009', howItEnded(connection));
      return code === undefined ? 'ended with no close frame' : undefined;
    },
  }),
  ...onEachWire({
    rules: ['5.3', '5.4'],
    title: "another user's JWT: refused, no data frame",
    async run(session, wire) {
      const { user, other } = session;
      const { connection } = await session.open(wire, user);
      connection.send(initPayload(await session.login(other)));
      await expectRefusal(session, connection, wire.refusal(4403));
    },
  }),
  ...flaws.flatMap((flaw) =>
    onEachWire({
      rules: ['5.3', '5.4'],
      title: `a JWT with a flaw (${flaw.name}): refused, no data frame`,
      async run(session, wire) {
        const jwt = await badJwt(session, flaw);
        const { connection } = await session.open(wire, session.user);
        connection.send(initPayload(jwt));
        await expectRefusal(session, connection, wire.refusal(4401));
      },
    }),
  ),
  ...onEachWire({
    rules: ['5.4'],
    title: 'a first frame that is no init payload: refused, no data frame',
    async run(session, wire) {
      const { user } = session;
      const jwt = await session.login(user);
      for (const [name, frame] of Object.entries(notInitPayloads(jwt))) {
        const { connection } = await session.open(wire, user);
        connection.send(frame);
        await about(name, expectRefusal(session, connection, wire.refusal(4400)));
      }
    },
  }),
  ...onEachWire({
    rules: ['5.4', '8'],
    title: 'a first frame that is not UTF-8, or of a kind there is not: ends, no data frame',
    async run(session, wire) {
      const broken: Readonly<Record<string, Buffer>> = {
        'not UTF-8': encodeFrame(Opcode.text, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])),
        'of a reserved opcode': encodeFrame(RESERVED, '{}'),
      };
      for (const [name, frame] of Object.entries(broken)) {
        const { connection } = await session.open(wire, session.user);
        connection.write(frame);
        const something = connection.until(() => connection.frames.length > 0);
        await about(name, within(session.prompt, 'an end', something));
        expect(connection.frames.length === 0, 'no data frame', show(connection.frames[0]));
        const allowed = wire === twoStage ? [1002, 1007] : [1002, 1007, undefined];
        const isRight = allowed.includes(connection.closeFrame?.code);
        const got = `${howItEnded(connection)} for one that is ${name}`;
        expect(isRight, 'close code 1002 or 1007', got);
      }
    },
  }),
  ...onEachWire({
    rules: ['5.3', '5.4', '8.4'],
    title: 'a bad init payload, a good one and 100 messages in one packet: nothing but the end',
    async run(session, wire) {
      const { connection, jwt } = await session.open(wire, session.user);
      const messages = Array.from({ length: 100 }, (_, index) => wire.say(`message ${index}`));
      const frames = [initPayload('no.good.jwt'), initPayload(jwt), ...messages];
      connection.write(Buffer.concat(frames.map(textFrame)));
      await expectRefusal(session, connection, wire.refusal(4401));
    },
  }),
  ...onEachWire({
    rules: ['5.5'],
    title: 'silence: ends at the deadline, no data frame',
    phase: 'waiting',
    async run(session, wire) {
      const { connection } = await session.open(wire, session.user);
      await reachDeadline(session, connection);
      await expectRefusal(session, connection, wire.refusal(4408));
    },
  }),
  ...deadlineRows('pings', (connection) => connection.ping()),
  ...deadlineRows('half a frame, byte by byte', (connection, index) => {
    if (index < LONG_FRAME.length / 2) connection.write(LONG_FRAME.subarray(index, index + 1));
  }),
  onWire(original, {
    rules: ['6.1'],
    title: 'the ack is authentication successful, the first data frame',
    async run(session) {
      const { ack } = await session.readyAsIssued(original);
      expect(ack === 'authentication successful', original.ack, show(ack));
    },
  }),
  onWire(twoStage, {
    rules: ['7.2'],
    title: 'the ack is ready, with user, expiresIn and heartbeat, the first data frame',
    async run(session) {
      const ready = await session.readyAsIssued(twoStage);
      expectReady(ready.ack, ready.jwt);
    },
  }),
];

/** Requires a `ready` (7.2) for this JWT. */
export function expectReady(frame: Frame, jwt: string): void {
  const { type, user, expiresIn, heartbeat } = readTyped(frame) ?? {};
  const life = lifeOf(jwt);
  const subject = decodeJwt(jwt)?.claims.sub;
  expect(type === 'ready', 'type ready', show(type));
  expect(
    typeof user === 'string' && (subject === undefined || user === subject),
    `user ${show(subject)}, the JWT's subject`,
    `user ${show(user)}`,
  );
  expect(
    typeof expiresIn === 'number' && expiresIn > 0,
    'expiresIn as a number of ms above 0',
    `expiresIn ${show(expiresIn)}`,
  );
  // Clocks may differ, but not by as much as seconds and milliseconds do.
  const tolerance = Math.max(2000, Math.min(60_000, life / 2));
  expect(
    life === Number.POSITIVE_INFINITY || Math.abs(expiresIn - life) < tolerance,
    `expiresIn near ${Math.round(life)} ms, what the JWT has left`,
    `${expiresIn}`,
  );
  expect(
    typeof heartbeat === 'number' && heartbeat >= 0,
    'heartbeat as a number of ms, 0 for none',
    `heartbeat ${show(heartbeat)}`,
  );
}

async function expectSilence(session: Session, wire: Wire): Promise<void> {
  const { user } = session;
  const witness = await session.ready(wire, user);
  const { connection } = await session.open(wire, user);
  const heard = (): number =>
    witness.connection.frames.filter((frame) => isBroadcast(wire, frame)).length;
  const before = heard();
  // The first one may have been under way when the socket opened.
  const twoMore = witness.connection.until(() => heard() >= before + 2 || connection.isOver);
  await within(
    session.options.patience,
    'broadcasts',
    Promise.race([twoMore, connection.ended]),
  ).catch(() => {});
  if (!connection.isOver && heard() > before) await connection.roundTrip();
  const [frame] = connection.frames;
  if (frame !== undefined) fail('no data frame before the verdict', show(frame));
  if (heard() < before + 2) {
    const why = connection.isOver
      ? "the socket's deadline was faster than two broadcasts"
      : `no two broadcasts within ${session.options.patience} ms`;
    throw new NotRun(`${why}: start the server with a shorter interval of broadcasts`);
  }
}

/** Waits until the deadline has ended a socket that is silent. */
async function reachDeadline({ options }: Session, silent: Connection): Promise<void> {
  const expected =
    'an end at the deadline (if that is longer, start the server with a shorter one)';
  await within(options.patience, expected, silent.ended);
}

/**
 * The rows for a way to be late with the init payload, compared with silence.
 *
 * @param dawdle called again and again, with 0, 1, 2, …
 */
function deadlineRows(
  name: string,
  dawdle: (connection: Connection, index: number) => void,
): readonly Row[] {
  return onEachWire({
    rules: ['5.5'],
    title: `${name}: ends at the deadline, no data frame`,
    phase: 'waiting',
    async run(session, wire) {
      for (let tries = 1; ; tries += 1) {
        const { pause, life } = await expectSameDeadline(session, wire, dawdle);
        if (pause < life / 2) return;
        if (tries === MOST_TRIES) {
          throw new NotRun(`this machine was held up for ${pause} ms: run it where it is not`);
        }
      }
    },
  });
}

/**
 * Requires a socket that dawdles to end when a silent one does.
 *
 * @returns how long it paused at most, and how long the silent socket lived, in ms: after a pause as
 * long as the deadline, a server that starts anew at each byte ends it as well
 */
async function expectSameDeadline(
  session: Session,
  wire: Wire,
  dawdle: (connection: Connection, index: number) => void,
): Promise<{ readonly pause: number; readonly life: number }> {
  const { connection } = await session.open(wire, session.user);
  let last = performance.now();
  let pause = 0;
  const look = (): void => {
    pause = Math.max(pause, performance.now() - last);
    last = performance.now();
  };
  let index = 0;
  const timer = setInterval(() => {
    look();
    dawdle(connection, index);
    index += 1;
  }, DAWDLE);
  try {
    const { connection: silent } = await session.open(wire, session.user);
    const openedAt = performance.now();
    await reachDeadline(session, silent);
    const life = performance.now() - openedAt;
    // It was opened before the other.
    await within(
      DEADLINE_SLACK,
      'an end at the same deadline as that of a silent socket',
      connection.ended,
    );
    look();
    await expectRefusal(session, connection, wire.refusal(4408));
    return { pause: Math.round(pause), life };
  } finally {
    clearInterval(timer);
  }
}
