import { isDeepStrictEqual } from 'node:util';
import WebSocket from 'ws';
import type { Connection } from '../connection.ts';
import { expectEnd } from '../ends.ts';
import { textFrame } from '../frames.ts';
import { flaws } from '../jwt.ts';
import { about, expect, fail, show } from '../outcome.ts';
import { onEachWire, onWire, type Row } from '../row.ts';
import type { Ready, Session, UserToken } from '../session.ts';
import { within } from '../time.ts';
import {
  initPayload,
  isPipeline,
  message,
  original,
  readTyped,
  twoStage,
  type Wire,
} from '../wire.ts';
import { expectReady } from './init.ts';
import { badJwt } from './token-route.ts';

/** Values for `data`, some of which look like something of the protocol's own. */
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1.5,
  1e-7,
  123_456_789_012,
  [],
  [1, ['two', { three: null }]],
  {},
  { type: 'ping' },
  { type: 'jwt', token: 'x' },
  { type: 'message', data: 'hello' },
  { nested: { empty: '', unicode: 'é\u2028🔑', control: '\u0000\n"\\' } },
];

const STRINGS = ['', 'hello', 'é\u2028🔑', '"quoted" \\ \n', '{"type":"ping"}'];

/** Text frames that no object with a string `type` is in (section 9). */
const INVALID: Readonly<Record<string, string>> = {
  'no JSON': 'hello',
  'an empty frame': '',
  'half of JSON': '{"type":"message"',
  'an array': '[]',
  'an array with a type': '[{"type":"ping"}]',
  null: 'null',
  'a string': '"ping"',
  'a number': '1',
  NaN: '{"type":"message","data":NaN}',
  Infinity: '{"type":"message","data":-Infinity}',
  'no type': '{"data":"hello"}',
  'a number as the type': '{"type":1}',
  'null as the type': '{"type":null}',
  'a type that is lent': '{"__proto__":{"type":"ping"}}',
  'a jwt without a token': '{"type":"jwt"}',
  'a jwt with a number as the token': '{"type":"jwt","token":1}',
};

/** Types that nobody knows, some of which every object has a member of. */
const UNKNOWN_TYPES = ['unknown', '', 'PING', '__proto__', 'constructor', 'toString'];

const PING = '{"type":"ping"}';

/** Requires a `ping` to be the next thing that is answered. */
async function expectPong({ connection, next }: Ready, after = ''): Promise<void> {
  connection.send(PING);
  const expected = `{"type":"pong"}${after}`;
  const frame = await next(expected);
  expect(readTyped(frame)?.type === 'pong', expected, show(frame));
}

/** Requires the next frame to be another `ready`. */
async function expectRenewed(ready: Ready, jwt: string): Promise<void> {
  const frame = await ready.next('another ready');
  expect(readTyped(frame)?.type === 'ready', 'another ready', show(frame));
  expectReady(frame, jwt);
}

/** Requires a connection to end with this code instead of a second `ready`. */
export async function expectRenewalRefused(
  session: Session,
  connection: Connection,
  code: number,
): Promise<void> {
  const acks = (): number => connection.frames.filter((frame) => twoStage.isAck(frame)).length;
  await within(
    session.prompt,
    `close code ${code}`,
    connection.until(() => acks() > 1),
  );
  expect(acks() < 2, `close code ${code}`, 'another ready');
  await expectEnd(session, connection, code);
}

async function expectStockClient(
  session: Session,
  wire: Wire,
  { token, jwt }: UserToken,
): Promise<void> {
  const url = new URL(session.target(token), session.options.url);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url, wire.offer === undefined ? [] : [wire.offer]);
  try {
    const echoed = new Promise<void>((resolve, reject) => {
      socket.on('open', () => socket.send(initPayload(jwt)));
      socket.on('message', (data: Buffer) => {
        const text = data.toString();
        if (wire.isAck(text)) socket.send(wire.say('hello'));
        if (wire.hear(text) === 'echo: hello') resolve();
      });
      socket.on('error', reject);
      socket.on('close', (code) => reject(new Error(`it was closed with ${code}`)));
    });
    await within(session.prompt, 'an echo', echoed);
  } finally {
    socket.terminate();
  }
}

/** Sections 6, 7 and 9: what a ready connection says and hears. */
export const messageRows: readonly Row[] = [
  ...onEachWire({
    rules: ['2.1', '11'],
    title: 'a stock WebSocket client goes through both stages and is echoed',
    run: (session, wire) =>
      session.withFreshToken(session.user, (token) => expectStockClient(session, wire, token)),
  }),
  onWire(original, {
    rules: ['6.2', '9'],
    title: '{"type":"ping"}, an init payload and what is no JSON are echoed, not understood',
    async run(session) {
      const ready = await session.ready(original);
      for (const text of [PING, initPayload('x'), initPayload(ready.jwt), '{', '[]', 'null', '']) {
        await session.expectEcho(ready, text);
      }
    },
  }),
  ...onEachWire({
    rules: ['6.2', '7'],
    title: 'a binary frame: the same bytes',
    async run(session, wire) {
      const ready = await session.ready(wire);
      for (const bytes of [Buffer.from([0, 1, 2, 0xff, 0xfe]), Buffer.from(PING)]) {
        ready.connection.send(bytes);
        const frame = await ready.next('the same bytes');
        const isSame = Buffer.isBuffer(frame) && frame.equals(bytes);
        expect(isSame, 'a binary frame with the same bytes', show(frame));
      }
    },
  }),
  onWire(twoStage, {
    rules: ['7.1', '7.2'],
    title: 'renewal: another ready, and messages flow',
    async run(session) {
      const { user } = session;
      const ready = await session.ready(twoStage, user);
      const jwt = await session.login(user);
      ready.connection.send(initPayload(jwt));
      await expectRenewed(ready, jwt);
      await session.expectEcho(ready, 'still here');
    },
  }),
  onWire(twoStage, {
    rules: ['7.1'],
    title: "renewal with another user's JWT: 4403",
    async run(session) {
      const { user, other } = session;
      const { connection } = await session.ready(twoStage, user);
      connection.send(initPayload(await session.login(other)));
      await expectRenewalRefused(session, connection, 4403);
    },
  }),
  ...flaws.map((flaw) =>
    onWire(twoStage, {
      rules: ['7.1'],
      title: `renewal with a flaw (${flaw.name}): 4401`,
      async run(session) {
        const jwt = await badJwt(session, flaw);
        const { connection } = await session.ready(twoStage);
        connection.send(initPayload(jwt));
        await expectRenewalRefused(session, connection, 4401);
      },
    }),
  ),
  onWire(twoStage, {
    rules: ['7.3'],
    title: 'every JSON value comes back; one with "type":"ping" in data does too',
    async run(session) {
      const ready = await session.ready(twoStage);
      for (const value of VALUES) {
        ready.connection.send(message(value));
        const expected = `${message(value)} back`;
        const frame = readTyped(await ready.next(expected));
        const isSame = frame?.type === 'message' && isDeepStrictEqual(frame.data, value);
        expect(isSame, expected, show(frame));
      }
      for (const text of STRINGS) await session.expectEcho(ready, text);
    },
  }),
  onWire(twoStage, {
    rules: ['7.3', '2.2.3'],
    title: 'a message without data is null; unknown members are ignored',
    async run(session) {
      const ready = await session.ready(twoStage);
      ready.connection.send('{"type":"message"}');
      const frame = readTyped(await ready.next('{"type":"message","data":null}'));
      const isNull = frame?.type === 'message' && frame.data === null;
      expect(isNull, '{"type":"message","data":null}', show(frame));
      ready.connection.send('{"more":[1],"type":"message","data":true,"id":7}');
      const other = readTyped(await ready.next('true'));
      expect(other?.data === true, '{"type":"message","data":true}', show(other));
    },
  }),
  onWire(twoStage, {
    rules: ['7.4'],
    title: 'ping: pong; pong: nothing',
    async run(session) {
      const ready = await session.ready(twoStage);
      await expectPong(ready);
      ready.connection.send('{"type":"pong"}');
      await expectPong(ready);
    },
  }),
  onWire(twoStage, {
    rules: ['7.6'],
    title: 'an unknown type: nothing',
    async run(session) {
      const ready = await session.ready(twoStage);
      for (const type of UNKNOWN_TYPES) {
        ready.connection.send(JSON.stringify({ type, data: 'hello', token: 'x' }));
        await expectPong(ready, `, and nothing for the type ${show(type)}`);
      }
    },
  }),
  onWire(twoStage, {
    rules: ['9'],
    title: 'what is no JSON object with a string type: 4400, for its own connection alone',
    async run(session) {
      const witness = await session.ready(twoStage);
      for (const [name, text] of Object.entries(INVALID)) {
        const { connection } = await session.ready(twoStage);
        connection.send(text);
        await about(name, expectEnd(session, connection, 4400));
      }
      await expectPong(witness);
    },
  }),
  onWire(twoStage, {
    rules: ['8.4'],
    title: 'an invalid frame and 20 messages in one packet: no message is handled',
    async run(session) {
      const { connection } = await session.ready(twoStage);
      const texts = ['no JSON', ...Array.from({ length: 20 }, () => message('late'))];
      connection.write(Buffer.concat(texts.map(textFrame)));
      await expectEnd(session, connection, 4400);
      const late = connection.frames.slice(1).find((frame) => !isPipeline(twoStage, frame));
      if (late !== undefined) fail('nothing after the invalid frame', show(late));
    },
  }),
];
