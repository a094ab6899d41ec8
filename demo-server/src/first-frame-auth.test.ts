import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import {
  createFirstFrameAuth,
  type FirstFrameAuthOptions,
  webSocketOptions,
} from './first-frame-auth.ts';
import {
  type Connection,
  createTokenGate,
  drain,
  memoryTokens,
  Unverifiable,
  type VerifyJwt,
} from './index.ts';
import { openClient } from './testing/client.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';

const anHour = 3_600_000;

/** The two stages on a bare server, put together from the parts. */
async function startParts(options: Partial<FirstFrameAuthOptions> = {}) {
  const environment = fakeEnvironment();
  const tokens = memoryTokens(environment);
  const verify: VerifyJwt = async (user) => ({
    user,
    id: user,
    expiresAt: environment.now() + anHour,
  });
  let draining = false;
  const stages = { environment, tokens, origins: [], path: '/chat', draining: () => draining };
  const gate = createTokenGate(stages);
  const authenticate = createFirstFrameAuth({
    ...stages,
    verify,
    onMessage: (connection, data) => connection.send(data),
    ...options,
  });
  // Longer than a test: what is cut off here was not cut off by `ws`.
  const patient = { ...webSocketOptions, closeTimeout: 60_000 };
  const webSockets = new WebSocketServer(patient);
  const server = createServer().listen(0, '127.0.0.1');
  server.on('upgrade', async (request, socket, head) => {
    const admitted = await gate(request, socket);
    if (admitted === undefined) return;
    webSockets.handleUpgrade(request, socket, head, (webSocket) =>
      authenticate(webSocket, admitted),
    );
  });
  await once(server, 'listening');
  onTestFinished(() => {
    for (const connection of authenticate.connections) connection.terminate('the test is over');
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    environment,
    tokens,
    connections: authenticate.connections,
    stop() {
      draining = true;
      return drain(authenticate.connections, { environment });
    },
    async open(protocols: string[] = ['two-stage.v1']) {
      const { token } = await tokens.mint('ada', { expiresIn: 1000, reusable: false });
      return openClient(`ws://127.0.0.1:${port}/chat?token=${token}`, protocols);
    },
  };
}

test('the parts make a server that speaks both wires', async () => {
  const { open } = await startParts();
  const twoStage = await open(['v2.other', 'two-stage.v1']);
  expect(twoStage.socket.protocol).toBe('two-stage.v1');
  twoStage.sendJson({ type: 'jwt', token: 'ada' });
  expect(await twoStage.nextJson()).toEqual({
    type: 'ready',
    user: 'ada',
    expiresIn: anHour,
    heartbeat: 0,
  });

  const original = await open([]);
  original.sendJson({ type: 'jwt', token: 'ada' });
  expect(await original.next()).toBe('authentication successful');
  original.send('hi');
  expect(await original.next()).toBe('hi');
});

test('it knows its connections, authenticated or not, until they are gone', async () => {
  const { open, connections } = await startParts();
  const one = await open();
  const other = await open();
  other.sendJson({ type: 'jwt', token: 'ada' });
  await other.next();
  const known = [...connections];
  expect(known.map(({ identity }) => identity?.user)).toEqual([undefined, 'ada']);
  one.socket.close();
  await known[0]?.closed;
  expect([...connections]).toEqual([known[1]]);
});

test('a stop asks clients to move, turns late ones away, and cuts off who stays', async () => {
  const { open, stop, environment, connections, tokens } = await startParts();
  const stayer = await open();
  stayer.sendJson({ type: 'jwt', token: 'ada' });
  await stayer.next();

  let stopped: Promise<void> | undefined;
  vi.spyOn(tokens, 'take').mockImplementationOnce(async () => {
    stopped = stop();
    return 'ada';
  });
  const late = await open();
  expect(await late.closed).toEqual({ code: 1012, reason: 'retry-after=5000' });
  expect(await stayer.nextJson()).toMatchObject({ type: 'going-away', deadline: 5000 });
  expect(await open().catch((error: unknown) => error)).toMatchObject({ status: 503 });

  // One that reads no more answers no close frame either.
  stayer.socket.pause();
  environment.advance(5000);
  // The second half is waited for in the turn after the first.
  await setImmediate();
  const [last] = connections;
  expect(connections.size).toBe(1);
  environment.advance(5000);
  await Promise.all([stopped, last?.closed]);
  expect(connections.size).toBe(0);
});

test('a verify that answers no expiry lets nobody in, and the log says why', async () => {
  const error = vi.fn();
  const log = { debug() {}, info() {}, warn() {}, error };
  const verify = async (user: string) => ({ user, id: user, expiresAt: Number.NaN });
  const { open } = await startParts({ verify, log });
  const client = await open();
  client.sendJson({ type: 'jwt', token: 'ada' });
  expect(await client.closed).toEqual({ code: 4401, reason: 'unauthorized' });
  expect(error).toHaveBeenCalledExactlyOnceWith(
    { connection: 1 },
    'verify answered no expiresAt; expected ms since the epoch',
  );
});

test('a connection that cannot be made ready is ended, and the log says so', async () => {
  const error = vi.fn();
  const log = { debug() {}, info() {}, warn() {}, error };
  const onReady = (): void => {
    throw new Error('no');
  };
  const { open, environment } = await startParts({ onReady, log });
  const client = await open([]);
  client.sendJson({ type: 'jwt', token: 'ada' });
  expect(await client.closed).toMatchObject({ code: 1011 });
  expect(error).toHaveBeenCalledExactlyOnceWith(
    { connection: 1, error: expect.any(Error) },
    'the application failed',
  );
  expect(environment.armed).toBe(0);
});

test('a connection is ready before any of its messages, however early they came', async () => {
  const calls: unknown[] = [];
  const { open } = await startParts({
    onReady: () => void calls.push('ready'),
    onMessage(connection, data) {
      calls.push(data);
      connection.send(data);
    },
  });
  const client = await open();
  client.sendJson({ type: 'jwt', token: 'ada' });
  for (const data of [1, 2]) client.sendJson({ type: 'message', data });
  for (let frames = 0; frames < 3; frames += 1) await client.next();
  expect(calls).toEqual(['ready', 1, 2]);
});

test('the renewal that was sent last counts, however long each takes to verify', async () => {
  const environment = fakeEnvironment();
  const expiresAt = (name: string): number => environment.now() + Number(name) * 1000;
  const verdicts = new Map<string, () => void>();
  const { open } = await startParts({
    environment,
    async verify(jwt) {
      if (jwt === '60') await new Promise<void>((resolve) => verdicts.set(jwt, resolve));
      return { user: 'ada', id: jwt, expiresAt: expiresAt(jwt) };
    },
  });
  const client = await open();
  for (const token of ['3600', '60', '120']) client.sendJson({ type: 'jwt', token });
  expect(await client.nextJson()).toMatchObject({ expiresIn: 3_600_000 });
  await client.roundTrip();
  verdicts.get('60')?.();
  expect(await client.nextJson()).toMatchObject({ expiresIn: 60_000 });
  expect(await client.nextJson()).toMatchObject({ expiresIn: 120_000 });
  environment.advance(119_999);
  await client.roundTrip();
  environment.advance(1);
  expect((await client.closed).code).toBe(4401);
});

test('who chooses no limits has some', async () => {
  const { open, environment } = await startParts();
  const ready = async () => {
    const client = await open();
    client.sendJson({ type: 'jwt', token: 'ada' });
    return client;
  };
  const late = await open();
  environment.advance(10_000);
  expect((await late.closed).code).toBe(4408);

  const large = await ready();
  large.send('x'.repeat(1_048_577));
  expect((await large.closed).code).toBe(1009);

  const quick = await ready();
  for (let n = 0; n < 400; n += 1) quick.sendJson({ type: 'unknown' });
  expect((await quick.closed).code).toBe(4429);

  const crowd = await Promise.all(Array.from({ length: 100 }, ready));
  for (const client of crowd) expect(await client.nextJson()).toMatchObject({ type: 'ready' });
  expect((await (await ready()).closed).code).toBe(4429);
});

test.each([
  [
    'throws',
    () => {
      throw new Error('no');
    },
  ],
  ['rejects', () => Promise.reject(new Error('no'))],
])(
  'S12 a handler that %s ends one connection with 1011, and the log says so',
  async (_how, fail) => {
    const error = vi.fn();
    const log = { debug() {}, info() {}, warn() {}, error };
    const { open } = await startParts({
      log,
      onMessage: (connection, data) => (data === 'fail' ? fail() : connection.send(data)),
    });
    const [one, witness] = [await open(), await open()];
    for (const client of [one, witness]) {
      client.sendJson({ type: 'jwt', token: 'ada' });
      await client.next();
    }
    one.sendJson({ type: 'message', data: 'fail' });
    expect(await one.closed).toEqual({ code: 1011, reason: 'internal error' });
    expect(error).toHaveBeenCalledExactlyOnceWith(
      { connection: 1, error: expect.any(Error) },
      'the application failed',
    );
    witness.sendJson({ type: 'message', data: 'hi' });
    expect(await witness.nextJson()).toEqual({ type: 'message', data: 'hi' });
  },
);

test('S12 a listener to the end that throws keeps no connection open, and no other from ending', async () => {
  const error = vi.fn();
  const log = { debug() {}, info() {}, warn() {}, error };
  const { open, environment } = await startParts({
    log,
    onReady: (connection) =>
      void connection.onEnd(() => {
        throw new Error('no');
      }),
  });
  const clients = [await open(), await open([]), await open()];
  for (const client of clients) {
    client.sendJson({ type: 'jwt', token: 'ada' });
    await client.next();
  }
  clients[2]?.socket.close();
  await clients[2]?.closed;
  environment.advance(anHour);
  for (const client of clients.slice(0, 2)) expect((await client.closed).code).toBe(4401);
  expect(error).toHaveBeenCalledTimes(3);
});

test('a listener to the end is called once, at once if it is late, never if it was cancelled', async () => {
  const { open, connections } = await startParts();
  const client = await open();
  const [connection] = [...connections] as [Connection];
  const heard: string[] = [];
  connection.onEnd(() => heard.push('in time'));
  const cancel = connection.onEnd(() => heard.push('cancelled'));
  cancel();
  cancel();
  client.socket.close();
  await connection.closed;
  expect(heard).toEqual(['in time']);
  connection.onEnd((ended) => heard.push(ended === connection ? 'late' : 'of another'));
  expect(heard).toEqual(['in time', 'late']);
});

test('S12 those whose JWT nobody can verify are told different times to come back', async () => {
  const { open, environment } = await startParts({
    verify: () => Promise.reject(new Unverifiable('The keys cannot be had')),
  });
  const reasons = [];
  for (const random of [0, 0.75]) {
    environment.nextRandom = random;
    const client = await open();
    client.sendJson({ type: 'jwt', token: 'ada' });
    reasons.push(await client.closed);
  }
  expect(reasons).toEqual([
    { code: 1013, reason: 'retry-after=1000' },
    { code: 1013, reason: 'retry-after=4000' },
  ]);
});

test('S9 who reads nothing is ended where no limit was chosen', async () => {
  const { open, connections } = await startParts();
  const client = await open();
  client.sendJson({ type: 'jwt', token: 'ada' });
  await client.next();
  client.socket.pause();
  const [connection] = [...connections] as [Connection];
  const megabyte = Buffer.alloc(1_000_000);
  // More than the buffers of the network take: at some point the server's own fill.
  for (let n = 0; n < 64 && !connection.ended; n += 1) {
    connection.send(megabyte);
    await setImmediate();
  }
  expect(connection.ended).toBe(true);
  await connection.closed;
});

test('S6 a connection that has not authenticated is sent nothing, whoever tries', async () => {
  const { open, connections } = await startParts();
  const client = await open();
  for (const connection of connections) connection.send('a secret');
  await client.roundTrip();
  expect(client.frames).toEqual([]);
});

test('S9 one user takes no more places of those who wait than connections', async () => {
  const { open } = await startParts({ maxConnections: 2 });
  const [first] = [await open(), await open()];
  expect(await (await open()).closed).toEqual({ code: 4429, reason: 'retry-after=5000' });
  first?.sendJson({ type: 'jwt', token: 'ada' });
  expect(await first?.nextJson()).toMatchObject({ type: 'ready' });
  const third = await open();
  await third.roundTrip();
  third.socket.close();
  await third.closed;
  await (await open()).roundTrip();
});

test('a verify that answers what has expired lets nobody in', async () => {
  const onReady = vi.fn();
  const { open } = await startParts({
    onReady,
    verify: async (user) => ({ user, id: user, expiresAt: 0 }),
  });
  const client = await open();
  client.sendJson({ type: 'jwt', token: 'ada' });
  expect(await client.closed).toEqual({ code: 4401, reason: 'unauthorized' });
  expect(client.frames).toEqual([]);
  expect(onReady).not.toHaveBeenCalled();
});

test('bytes of every kind go as they are', async () => {
  const bytes = new Uint8Array([1, 2, 3, 4]);
  const values = [Buffer.from(bytes), bytes, bytes.buffer, new DataView(bytes.buffer, 1, 2)];
  const { open } = await startParts({
    onReady(connection) {
      for (const value of values) connection.send(value);
    },
  });
  const client = await open();
  client.sendJson({ type: 'jwt', token: 'ada' });
  await client.next();
  for (let n = 0; n < 3; n += 1) expect(await client.next()).toEqual(Buffer.from(bytes));
  expect(await client.next()).toEqual(Buffer.from([2, 3]));
});

test('nothing is read of a socket while its JWT is verified', async () => {
  let decide: () => void = () => {};
  let ask: () => void = () => {};
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const expiresAt = Number.MAX_SAFE_INTEGER;
  const { open } = await startParts({
    async verify(user) {
      if (user === 'ada') return { user, id: user, expiresAt };
      ask();
      await new Promise<void>((resolve) => {
        decide = resolve;
      });
      return { user: 'ada', id: user, expiresAt };
    },
  });
  const witness = await open();
  witness.sendJson({ type: 'jwt', token: 'ada' });
  await witness.next();
  const client = await open();
  let pongs = 0;
  client.socket.on('pong', () => {
    pongs += 1;
  });
  client.sendJson({ type: 'jwt', token: 'slow' });
  await asked;
  client.socket.ping();
  for (let turn = 0; turn < 5; turn += 1) await witness.roundTrip();
  expect(pongs).toBe(0);
  decide();
  expect(await client.nextJson()).toMatchObject({ type: 'ready' });
  await client.roundTrip();
  expect(pongs).toBe(2);
});
