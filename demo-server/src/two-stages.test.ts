import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { memoryTokens, webSocketOptions } from './index.ts';
import { type Client, openClient } from './testing/client.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { createTwoStages, type TwoStagesOptions } from './two-stages.ts';

/** A bare HTTP server whose JWTs are the users’ names, with both stages. */
async function serve(options: Partial<TwoStagesOptions> = {}) {
  const environment = fakeEnvironment();
  const stages = createTwoStages({
    environment,
    tokens: memoryTokens(environment),
    origins: [],
    verify: async (user) => ({ user, id: user, expiresAt: environment.now() + 3_600_000 }),
    onMessage: (connection, data) => connection.send(data),
    ...options,
  });
  const server = createServer().listen(0, '127.0.0.1');
  server.on('upgrade', stages.upgrade);
  await once(server, 'listening');
  onTestFinished(() => {
    for (const connection of stages.connections) connection.terminate('the test is over');
    server.close();
    expect(environment.armed).toBe(0);
  });
  const { port } = server.address() as AddressInfo;

  async function mint(): Promise<string> {
    const { data } = (await stages.mint('ada')).body;
    return (data as { token: string }).token;
  }
  const open = async (token?: string): Promise<Client> =>
    openClient(`ws://127.0.0.1:${port}/demo?token=${token ?? (await mint())}`, ['two-stage.v1']);
  async function ready() {
    const client = await open();
    client.sendJson({ type: 'jwt', token: 'ada' });
    expect(await client.nextJson()).toMatchObject({ type: 'ready', user: 'ada' });
    return client;
  }
  return { environment, stages, mint, open, ready };
}

test('a token it mints lets its user through both stages, into the registry', async () => {
  const { stages, open, ready } = await serve();
  await open();
  const client = await ready();
  client.sendJson({ type: 'message', data: 'hi' });
  expect(await client.nextJson()).toEqual({ type: 'message', data: 'hi' });
  expect(stages.connections.size).toBe(2);
  expect([...stages.registry].map(({ user }) => user)).toEqual(['ada']);
});

test('who answers pings stays, who does not is ended at the next', async () => {
  const onReady = vi.fn();
  const { environment, stages, ready } = await serve({ heartbeat: 1000, onReady });
  const alive = await ready();
  const halfOpen = await ready();
  const [stays, goes] = stages.registry;
  expect(onReady.mock.calls).toEqual([[stays], [goes]]);
  // One that reads nothing answers nothing.
  halfOpen.socket.pause();
  environment.advance(1000);
  // The pong to the server's ping leaves before the ping of the round trip.
  await alive.roundTrip();
  environment.advance(1000);
  await goes?.closed;
  await alive.roundTrip();
  expect([...stages.registry]).toEqual([stays]);
});

test('where nobody says otherwise it pings every 25 s, and tells so in the ack', async () => {
  const { environment, ready } = await serve();
  const client = await ready();
  expect(JSON.parse(String(client.frames[0]))).toMatchObject({ heartbeat: 25_000 });
  const ping = vi.fn();
  client.socket.on('ping', ping);
  environment.advance(24_999);
  await client.roundTrip();
  expect(ping).not.toHaveBeenCalled();
  environment.advance(1);
  await client.roundTrip();
  expect(ping).toHaveBeenCalledOnce();
});

test('S9 who answers no close frame is cut off after 2 s', async () => {
  const { stages, ready } = await serve();
  const client = await ready();
  // One that reads nothing answers nothing.
  client.socket.pause();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const [connection] = stages.connections;
  connection?.end(1000, 'over');
  vi.advanceTimersByTime(1999);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1);
  await connection?.closed;
  expect(stages.connections.size).toBe(0);
});

test('S13 a stop lasts no longer than its drainTimeout, 10 s unless said otherwise', async () => {
  for (const options of [{ drainTimeout: 4000 }, {}]) {
    // Longer than a test: what is cut off here was not cut off by `ws`.
    const patient = { ...webSocketOptions, closeTimeout: 60_000 };
    const webSockets = new WebSocketServer(patient);
    const { environment, stages, ready } = await serve({ ...options, webSockets });
    const half = (options.drainTimeout ?? 10_000) / 2;
    const client = await ready();
    const stopped = stages.stop();
    expect(await client.nextJson()).toMatchObject({ type: 'going-away', deadline: half });
    client.socket.pause();
    environment.advance(half);
    // The second half is waited for in the turn after the first.
    await setImmediate();
    environment.advance(half - 1);
    await setImmediate();
    const [connection] = stages.connections;
    expect(connection).toBeDefined();
    environment.advance(1);
    await Promise.all([stopped, connection?.closed]);
  }
});

test('once it stops, it mints and admits no more, and lets who is there move', async () => {
  const { environment, stages, mint, open, ready } = await serve({ drainTimeout: 4000 });
  const client = await ready();
  const token = await mint();
  const stopped = stages.stop();
  expect((await stages.mint('ada')).status).toBe(503);
  expect(await open(token).catch((error: unknown) => error)).toMatchObject({ status: 503 });
  expect(await client.nextJson()).toMatchObject({ type: 'going-away', deadline: 2000 });
  environment.advance(2000);
  expect(await client.closed).toMatchObject({ code: 1012 });
  await stopped;
  expect(stages.connections.size).toBe(0);
});

test('an upgrade that the WebSocket server throws at ends, and not the process', async () => {
  const webSockets = new WebSocketServer(webSocketOptions);
  vi.spyOn(webSockets, 'handleUpgrade').mockImplementation(() => {
    throw new Error('no');
  });
  const error = vi.fn();
  const { open } = await serve({ webSockets, log: { debug() {}, info() {}, warn() {}, error } });
  await expect(open()).rejects.toThrow('socket hang up');
  expect(error).toHaveBeenCalledExactlyOnceWith({ error: expect.any(Error) }, 'an upgrade failed');
});
