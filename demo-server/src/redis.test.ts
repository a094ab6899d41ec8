import { once } from 'node:events';
import { createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { systemEnvironment } from './environment.ts';
import { connectRedis, type Redis } from './redis.ts';
import { StoreUnavailable } from './store-unavailable.ts';
import { startBetween } from './testing/between.ts';
import { describeWith, describeWithOwn, type TestDatabase } from './testing/database.ts';
import { type FakeEnvironment, fakeEnvironment } from './testing/fake-environment.ts';
import { type RecordedLog, recordedLog } from './testing/recorded-log.ts';
import { redis, startRedis } from './testing/redis.ts';
import { newPlace } from './testing/token-store.contract.ts';

function connect(url: string, timeout?: number): { connection: Redis; log: RecordedLog } {
  const log = recordedLog();
  const connection = connectRedis(url, { log, ...(timeout !== undefined && { timeout }) });
  onTestFinished(() => connection.close());
  return { connection, log };
}

/** A listener that tests can wait for. */
function inbox(): { listener: (message: string) => void; next(): Promise<string> } {
  const messages: string[] = [];
  const waiting: ((message: string) => void)[] = [];
  return {
    listener(message) {
      const waiter = waiting.shift();
      if (waiter === undefined) messages.push(message);
      else waiter(message);
    },
    async next() {
      return messages.shift() ?? new Promise((resolve) => waiting.push(resolve));
    },
  };
}

/** What connections of a test ask for as their timeout, so that it can be told from other delays. */
const TIMEOUT = 5000;

/** Lets connections reconnect in no time, and answers the delays that they asked for so far. */
function withoutDelays(): { delays: number[]; environment: FakeEnvironment } {
  const environment = fakeEnvironment();
  const delays: number[] = [];
  vi.spyOn(systemEnvironment, 'random').mockReturnValue(1);
  vi.spyOn(systemEnvironment, 'after').mockImplementation((delay, callback) => {
    if (delay === TIMEOUT) return environment.after(delay, callback);
    delays.push(delay);
    let cancelled = false;
    void setImmediate().then(() => cancelled || callback());
    return () => {
      cancelled = true;
    };
  });
  onTestFinished(() => void vi.restoreAllMocks());
  return { delays, environment };
}

describeWith(redis, () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startRedis();
  });
  afterAll(() => database.stop());

  test('what is subscribed to before Redis is up is heard, by all who listen, until cancelled', async () => {
    const channel = newPlace();
    const { connection, log } = connect(database.url);
    const [first, second] = [inbox(), inbox()];
    const cancel = connection.subscribe(channel, first.listener);
    connection.subscribe(channel, second.listener);
    await log.said('Redis is up');
    const publish = (message: string) =>
      connection.run((client) => client.publish(channel, message));
    await publish('one');
    expect([await first.next(), await second.next()]).toEqual(['one', 'one']);
    cancel();
    cancel();
    await publish('two');
    expect(await second.next()).toBe('two');
    connection.subscribe(channel, first.listener);
    await publish('three');
    expect([await first.next(), await second.next()]).toEqual(['three', 'three']);
  });

  test('a channel that nobody listens to any more is left, and may be joined again', async () => {
    const channel = newPlace();
    const { connection, log } = connect(database.url);
    await log.said('Redis is up');
    const listeners = async () =>
      Number(Object.values(await connection.client.pubSubNumSub([channel]))[0]);
    connection.subscribe(channel, () => {})();
    expect(await listeners()).toBe(0);
    const { listener, next } = inbox();
    connection.subscribe(channel, listener);
    expect(await listeners()).toBe(1);
    await connection.client.publish(channel, 'hello');
    expect(await next()).toBe('hello');
  });

  test('a listener that throws takes nothing from the others, and is in the log', async () => {
    const channel = newPlace();
    const { connection, log } = connect(database.url);
    await log.said('Redis is up');
    const { listener, next } = inbox();
    connection.subscribe(channel, () => {
      throw new Error('oops');
    });
    connection.subscribe(channel, listener);
    await connection.client.publish(channel, 'hello');
    expect(await next()).toBe('hello');
    await log.said('a listener of Redis failed');
    await connection.check();
  });

  test('a listener to its coming up that throws takes nothing from the others', async () => {
    const { connection, log } = connect(database.url);
    const { listener, next } = inbox();
    connection.onUp(() => {
      throw new Error('oops');
    });
    connection.onUp(() => listener('up'));
    expect(await next()).toBe('up');
    await log.said('a listener of Redis failed');
    await connection.check();
  });

  test('there is one sign of life in each interval, however often it has reconnected', async () => {
    const { environment } = withoutDelays();
    const between = await startBetween(database.url);
    const { connection, log } = connect(between.url, TIMEOUT);
    await log.said('Redis is up');
    for (let time = 0; time < 3; time += 1) {
      between.cut();
      await log.said('Redis is down');
      await log.said('Redis is up');
    }
    for (let interval = 1; interval <= 2; interval += 1) {
      environment.advance(TIMEOUT);
      await connection.run((client) => client.echo('sent after the pings'));
      expect(between.count('PING')).toBe(interval);
      // The answers to the pings call off their timeouts, which would be next.
      await setImmediate();
    }
  });

  test('the delays between attempts grow up to 2 s, and start over once it was up', async () => {
    const { delays } = withoutDelays();
    const between = await startBetween(database.url);
    between.refuses = true;
    const { log } = connect(between.url, TIMEOUT);
    while (between.connections < 8) await setImmediate();
    between.refuses = false;
    await log.said('Redis is up');
    expect(delays.slice(0, 7)).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
    expect(delays.length).toBe(between.connections - 1);

    delays.length = 0;
    between.refuses = true;
    between.cut();
    while (delays.length < 3) await setImmediate();
    expect(delays.slice(0, 3)).toEqual([100, 200, 400]);
  });

  test('half of a delay between attempts is random', async () => {
    const { delays } = withoutDelays();
    vi.spyOn(systemEnvironment, 'random').mockReturnValueOnce(0).mockReturnValueOnce(0.5);
    const between = await startBetween(database.url);
    between.refuses = true;
    connect(between.url, TIMEOUT);
    while (delays.length < 3) await setImmediate();
    expect(delays.slice(0, 3)).toEqual([50, 150, 400]);
  });

  test('after it was closed nothing is heard or done, and closing again is nothing', async () => {
    const { connection, log } = connect(database.url);
    await log.said('Redis is up');
    expect(connection.up).toBe(true);
    await Promise.all([connection.close(), connection.close()]);
    expect(connection.up).toBe(false);
    await expect(connection.check()).rejects.toThrow(StoreUnavailable);
    connection.subscribe(newPlace(), () => {})();
    await connection.close();
    expect(log.lines).toHaveLength(1);
  });

  test('what was sent before it was closed is done', async () => {
    const key = newPlace();
    const [first, second] = [connect(database.url), connect(database.url)];
    await Promise.all([first.log.said('Redis is up'), second.log.said('Redis is up')]);
    const done = first.connection.run((client) =>
      client.set(key, 'there', { expiration: { type: 'PX', value: 60_000 } }),
    );
    await first.connection.close();
    expect(await done).toBe('OK');
    expect(await second.connection.client.getDel(key)).toBe('there');
  });
});

describeWithOwn(redis, () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startRedis();
  });
  afterAll(() => database.stop());

  test.for(['killed', 'frozen'])('a subscription outlives a Redis that was %s', async (how) => {
    await database.restart();
    const { connection, log } = connect(database.url, 500);
    const { listener, next } = inbox();
    const ups = inbox();
    connection.subscribe('channel', listener);
    const cancel = connection.onUp(() => ups.listener('up'));
    await log.said('Redis is up');
    await ups.next();
    if (how === 'killed') await database.kill();
    else database.freeze();
    await log.said('Redis is down');
    expect(connection.up).toBe(false);
    await expect(connection.check()).rejects.toThrow(StoreUnavailable);
    await database.restart();
    await log.said('Redis is up');
    await ups.next();
    await connection.run((client) => client.publish('channel', 'hello'));
    expect(await next()).toBe('hello');
    cancel();
  });

  test('what is sent to a frozen Redis is given up in time', async () => {
    await database.restart();
    const { connection, log } = connect(database.url, 500);
    await log.said('Redis is up');
    database.freeze();
    await expect(connection.check()).rejects.toThrow(StoreUnavailable);
    await expect(connection.run((client) => client.multi().ping().exec())).rejects.toThrow(
      StoreUnavailable,
    );
  });

  test('the client itself does not wait for a frozen Redis for ever either', async () => {
    await database.restart();
    const { connection, log } = connect(database.url, 500);
    await log.said('Redis is up');
    database.freeze();
    await expect(connection.client.get('key')).rejects.toThrow();
    await expect(connection.client.get('key')).rejects.toThrow();
  });
});

test('rediss:// begins with a TLS handshake', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const connected = once(server, 'connection');
  connect(`rediss://127.0.0.1:${port}`);
  const [socket] = await connected;
  onTestFinished(() => void socket.destroy());
  const [data] = await once(socket, 'data');
  // RFC 8446, section 5.1: a record of the type `handshake`.
  expect(data[0]).toBe(22);
});

test('a server that accepts and says nothing is given up, and tried again', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const { connection, log } = connect(`redis://127.0.0.1:${port}`, 100);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const [socket] = await once(server, 'connection');
    onTestFinished(() => void socket.destroy());
    // Its greeting came, so the client has a connection; it is of no use yet.
    await once(socket, 'data');
    const answer = connection.run((client) => client.multi().ping().exec());
    await expect(answer).rejects.toThrow('DISCONNECTED');
  }
  expect(log.lines).toHaveLength(1);
});

test.for(['mongodb://:hunter2@db', 'hunter2', '', 'unix:/tmp/redis', 'redis://:hunter2@a:b:c'])(
  '%s is refused as an address, without being quoted',
  (url) => {
    expect(() => connectRedis(url)).toThrow(
      new TypeError('Not an address of Redis: expected redis://… or rediss://…'),
    );
  },
);
