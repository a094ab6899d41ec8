import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { SignJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import type { Connection } from './connection.ts';
import { authenticate } from './first-frame.ts';
import { openRaw, PING, PONG, textFrame, upgradeRequest } from './testing/client.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { type Harness, startServer } from './testing/harness.ts';
import { originalWire, TWO_STAGE, twoStageWire } from './wire.ts';

const BAD_JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.AAAA';

const initPayload = (token: unknown): string => JSON.stringify({ type: 'jwt', token });

async function readyCount({ request }: Harness): Promise<number> {
  const { data } = (await (await request('/health')).json()) as { data: { ready: number } };
  return data.ready;
}

test('the original wire acknowledges and echoes', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const client = await harness.open(jwt);
  client.send(initPayload(jwt));
  expect(await client.next()).toBe('authentication successful');
  client.send('hello');
  expect(await client.next()).toBe('echo: hello');
});

test('two-stage.v1 acknowledges with what the client needs to know', async () => {
  const harness = await startServer({ heartbeat: 25_000 });
  const jwt = await harness.login('ada');
  harness.environment.advance(1000);
  const client = await harness.open(jwt, [TWO_STAGE]);
  client.send(initPayload(jwt));
  expect(await client.nextJson()).toEqual({
    type: 'ready',
    user: 'ada',
    expiresIn: 3_599_000,
    heartbeat: 25_000,
  });
});

test('frames sent right after the init payload wait for the verdict and are handled', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const client = await harness.open(jwt);
  client.send(initPayload(jwt));
  for (let n = 1; n <= 50; n += 1) client.send(`message ${n}`);
  client.send('x'.repeat(500_000));
  expect(await client.next()).toBe('authentication successful');
  for (let n = 1; n <= 50; n += 1) expect(await client.next()).toBe(`echo: message ${n}`);
  expect(await client.next()).toHaveLength(500_006);
});

test('frames in the packet of the upgrade itself are not lost', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const { token } = await harness.token(jwt);
  const raw = openRaw(harness.server.url);
  raw.socket.write(
    Buffer.concat([
      Buffer.from(upgradeRequest(`/demo?token=${token}`)),
      textFrame(initPayload(jwt)),
      textFrame('one'),
      textFrame('two'),
    ]),
  );
  await raw.until('echo: two');
  expect(raw.received().toString()).toMatch(/authentication successful.*echo: one.*echo: two$/s);
  raw.socket.destroy();
});

test('S4 a JWT of another user than the token’s is forbidden', async () => {
  const harness = await startServer();
  const ada = await harness.login('ada');
  const bob = await harness.login('bob');
  const client = await harness.open(ada, [TWO_STAGE]);
  client.send(initPayload(bob));
  expect(await client.closed).toEqual({ code: 4403, reason: 'forbidden' });
  expect(client.frames).toEqual([]);
});

test('S4 on the original wire as well, with no close frame', async () => {
  const harness = await startServer();
  const client = await harness.open(await harness.login('ada'));
  client.send(initPayload(await harness.login('bob')));
  expect(await client.closed).toEqual({ code: 1006, reason: '' });
  expect(client.frames).toEqual([]);
});

test('S6 an unauthenticated connection is sent no application byte', async () => {
  const harness = await startServer({
    broadcastEvery: 10,
    individualEvery: 10,
    heartbeat: 10,
    initTimeout: 60_000,
  });
  const jwt = await harness.login('ada');
  const hanging = await Promise.all(
    [[], [TWO_STAGE]].map(async (protocols) => {
      const { token } = await harness.token(jwt);
      const raw = openRaw(harness.server.url);
      const offer = protocols.length > 0 ? { 'Sec-WebSocket-Protocol': protocols.join() } : {};
      raw.socket.write(upgradeRequest(`/demo?token=${token}`, offer as Record<string, string>));
      await raw.until('\r\n\r\n');
      // An unfinished init payload is none.
      raw.socket.write(textFrame(initPayload(jwt)).subarray(0, -1));
      return raw;
    }),
  );
  const witness = await harness.readyOriginal(jwt);
  for (let n = 1; n <= 100; n += 1) {
    harness.environment.advance(10);
    await witness.roundTrip();
  }
  expect(witness.frames.filter((frame) => String(frame).startsWith('broadcast'))).toHaveLength(100);
  for (const raw of hanging) {
    expect(raw.received().toString('latin1').split('\r\n\r\n')[1]).toBe('');
    raw.socket.destroy();
  }
});

test('S7 nothing whatever runs after a failed JWT on the original wire', async () => {
  const decode = vi.spyOn(originalWire, 'decode');
  const encode = vi.spyOn(originalWire, 'encode');
  const ack = vi.spyOn(originalWire, 'ack');
  const harness = await startServer({ broadcastEvery: 10, individualEvery: 10 });
  const jwt = await harness.login('ada');

  for (const withUpgrade of [true, false]) {
    const { token } = await harness.token(jwt);
    const upgrade = Buffer.from(upgradeRequest(`/demo?token=${token}`));
    const frames = [
      textFrame(initPayload(BAD_JWT)),
      // The right payload, too late, and then as many messages as fit a packet.
      textFrame(initPayload(jwt)),
      ...Array.from({ length: 100 }, (_, n) => textFrame(`message ${n}`)),
    ];
    const raw = openRaw(harness.server.url);
    if (withUpgrade) {
      raw.socket.write(Buffer.concat([upgrade, ...frames]));
    } else {
      raw.socket.write(upgrade);
      await raw.until('\r\n\r\n');
      raw.socket.write(Buffer.concat(frames));
    }
    const answer = (await raw.ended).toString('latin1');
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    // Not one byte after the upgrade: no ack, no echo, no close frame.
    expect(answer.split('\r\n\r\n')[1]).toBe('');
    harness.environment.advance(100);
    expect(await readyCount(harness)).toBe(0);
  }
  expect(ack).not.toHaveBeenCalled();
  expect(decode).not.toHaveBeenCalled();
  expect(encode).not.toHaveBeenCalledWith(expect.stringMatching(/^(echo|ping)/));
});

test('S7 nothing runs after a failed JWT on two-stage.v1 either', async () => {
  const decode = vi.spyOn(twoStageWire, 'decode');
  const ack = vi.spyOn(twoStageWire, 'ack');
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const client = await harness.open(jwt, [TWO_STAGE]);
  client.send(initPayload(BAD_JWT));
  client.send(initPayload(jwt));
  for (let n = 0; n < 100; n += 1) client.sendJson({ type: 'message', data: n });
  expect(await client.closed).toEqual({ code: 4401, reason: 'unauthorized' });
  expect(client.frames).toEqual([]);
  expect(await readyCount(harness)).toBe(0);
  expect(ack).not.toHaveBeenCalled();
  expect(decode).not.toHaveBeenCalled();
});

test('S7 nothing moves the deadline, and a late init payload is too late', async () => {
  const harness = await startServer({ initTimeout: 10_000 });
  const jwt = await harness.login('ada');
  const client = await harness.open(jwt, [TWO_STAGE]);
  for (let second = 1; second < 10; second += 1) {
    harness.environment.advance(1000);
    await client.roundTrip();
  }
  harness.environment.advance(999);
  await client.roundTrip();
  harness.environment.advance(1);
  client.send(initPayload(jwt));
  expect(await client.closed).toEqual({ code: 4408, reason: 'init timeout' });
  expect(client.frames).toEqual([]);
});

test('S7 the deadline ends the original wire with no close frame', async () => {
  const harness = await startServer({ initTimeout: 10_000 });
  const client = await harness.open(await harness.login('ada'));
  harness.environment.advance(10_000);
  expect(await client.closed).toEqual({ code: 1006, reason: '' });
});

test('S7 the deadline holds while the JWT is being verified', async () => {
  const harness = await startServer({ initTimeout: 10_000, faults: true });
  await harness.post('/faults', { init: 'hang' });
  const jwt = await harness.login('ada');
  const { token } = await harness.token(jwt);
  const raw = openRaw(harness.server.url);
  raw.socket.write(upgradeRequest(`/demo?token=${token}`, { 'Sec-WebSocket-Protocol': TWO_STAGE }));
  await raw.until('\r\n\r\n');
  // A ping in the same packet, because nothing else shows that the first frame was read.
  raw.socket.write(Buffer.concat([textFrame(initPayload(jwt)), PING]));
  await raw.until(PONG);
  harness.environment.advance(10_000);
  await raw.until('init timeout');
  raw.socket.destroy();
});

test('S7 a verdict that comes after the end changes nothing', async () => {
  const environment = fakeEnvironment();
  const refuse = vi.fn();
  const connection = {
    user: 'ada',
    firstFrame: async () => initPayload('a.b.c'),
    refuse,
    onEnd: () => () => {},
    get ended() {
      return refuse.mock.calls.length > 0;
    },
  };
  const identity = authenticate(connection as unknown as Connection, {
    environment,
    socket: new PassThrough(),
    timeout: 1000,
    maxBytes: 100,
    verify: async () => {
      environment.advance(1000);
      return { user: 'ada', id: '1', expiresAt: Number.POSITIVE_INFINITY };
    },
  });
  expect(await identity).toBeUndefined();
  expect(refuse.mock.calls).toEqual([[4408, 'init timeout']]);
});

test.each<[string, string | Buffer]>([
  ['garbage', 'garbage'],
  ['nothing', ''],
  ['null', 'null'],
  ['a number', '42'],
  ['an array', '["jwt"]'],
  ['another type', '{"type":"message","data":"hi"}'],
  ['a ping', '{"type":"ping"}'],
  ['a type that is no string', '{"type":["jwt"],"token":"x"}'],
  ['a token that is no string', initPayload({ $gt: '' })],
  ['no token', '{"type":"jwt"}'],
  ['a prototype', '{"__proto__":{"type":"jwt","token":"x"}}'],
  ['binary', Buffer.from(initPayload('x'))],
  ['arrays nested 8,000 deep', `${'['.repeat(8000)}${']'.repeat(8000)}`],
  ['objects nested 2,700 deep', `${'{"a":'.repeat(2700)}1${'}'.repeat(2700)}`],
])('S7 a first frame that is %s is no init payload', async (_what, frame) => {
  const harness = await startServer();
  const jwt = await harness.login('ada');

  const client = await harness.open(jwt, [TWO_STAGE]);
  client.send(frame);
  client.send(initPayload(jwt));
  expect((await client.closed).code).toBe(4400);
  expect(client.frames).toEqual([]);

  const original = await harness.open(jwt);
  original.send(frame);
  original.send(initPayload(jwt));
  expect((await original.closed).code).toBe(1006);
  expect(original.frames).toEqual([]);
});

test.each([
  ['nested 10,000 deep', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
  ['one byte too large', initPayload('A'.repeat(16_384 - 24))],
  ['of 1 MB', initPayload('A'.repeat(1_048_000))],
  ['above every limit', 'A'.repeat(2_000_000)],
])('S7 a first frame %s is too large on both wires', async (_what, frame) => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  for (const protocols of [[], [TWO_STAGE]]) {
    const client = await harness.open(jwt, protocols);
    client.send(frame);
    expect((await client.closed).code).toBe(1009);
    expect(client.frames).toEqual([]);
  }
});

test('S7 the bound on the first frame counts an unfinished one', async () => {
  const harness = await startServer();
  const { token } = await harness.token(await harness.login('ada'));
  const raw = openRaw(harness.server.url);
  raw.socket.write(upgradeRequest(`/demo?token=${token}`));
  await raw.until('\r\n\r\n');
  // A frame that announces 100,000 bytes, and never ends.
  const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x01, 0x86, 0xa0, 0, 0, 0, 0]);
  raw.socket.write(Buffer.concat([head, Buffer.alloc(16_385)]));
  await raw.until('too large');
  raw.socket.destroy();
});

test('S7 of a first frame that is too large no more is read, and its client hears so while it sends', async () => {
  const harness = await startServer({ messagesPerSecond: 0 });
  const jwt = await harness.login('ada');
  const witness = await harness.ready(jwt);
  const { token } = await harness.token(jwt);
  const raw = openRaw(harness.server.url, { allowHalfOpen: true });
  raw.socket.write(upgradeRequest(`/demo?token=${token}`));
  await raw.until('\r\n\r\n');
  // A text frame of 1,000,000 bytes, with a mask of zeros.
  const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40, 0, 0, 0, 0]);
  const frame = Buffer.concat([head, Buffer.alloc(1_000_000)]);
  // More than the buffers of the network take.
  const most = 64;
  let sent = 0;
  const flood = (): void => {
    sent += 1;
    if (sent <= most) raw.socket.write(frame, flood);
  };
  const done = once(raw.socket, 'end');
  flood();
  await done;
  // 1009, then why.
  expect(raw.received().includes('\x03\xf1the first frame is too large', 0, 'latin1')).toBe(true);
  // In these many turns a server that reads on reads all of it.
  for (let turn = 0; turn < 200; turn += 1) await witness.roundTrip();
  expect(sent).toBeLessThan(most);
  raw.socket.destroy();
});

test('S7 a first frame of exactly the limit is judged', async () => {
  const harness = await startServer();
  const client = await harness.open(await harness.login('ada'), [TWO_STAGE]);
  client.send(initPayload('A'.repeat(16_384 - 25)));
  expect((await client.closed).code).toBe(4401);
});

test('a JWT that was signed for the right user by somebody else is refused', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const [, claims] = jwt.split('.');
  const forged = await new SignJWT(JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()))
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode('another secret that is long enough, too'));
  const client = await harness.open(jwt, [TWO_STAGE]);
  client.send(initPayload(forged));
  expect((await client.closed).code).toBe(4401);
});
