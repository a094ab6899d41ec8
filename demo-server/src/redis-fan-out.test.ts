import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { FanOut, Notice } from './fan-out.ts';
import { connectRedis, type Redis } from './redis.ts';
import { redisFanOut } from './redis-fan-out.ts';
import { StoreUnavailable } from './store-unavailable.ts';
import { describeWith, describeWithOwn, type TestDatabase } from './testing/database.ts';
import { type RecordedLog, recordedLog } from './testing/recorded-log.ts';
import { redis, startRedis } from './testing/redis.ts';
import { newPlace } from './testing/token-store.contract.ts';

const ada = { user: 'ada', id: 'one', expiresAt: 1_893_456_000_000 };

/** One notice of each kind. */
const notices: readonly Notice[] = [
  { kind: 'broadcast', message: { to: ['all', null] } },
  { kind: 'message', user: 'ada', message: 'for ada' },
  { kind: 'logout', identity: ada },
  { kind: 'forbid', user: 'ada' },
  { kind: 'readmit', user: 'ada' },
];

/** What a process has of the fan-out. */
interface Process {
  readonly connection: Redis;
  readonly fanOut: FanOut;
  readonly log: RecordedLog;
  /** Subscribes. Answers what was heard so far, which resolves `until` so many were. */
  listen(): { heard: Notice[]; until(count: number): Promise<void>; cancel(): void };
}

async function start(database: TestDatabase, prefix: string): Promise<Process> {
  const log = recordedLog();
  const connection = connectRedis(database.url, { log, timeout: 500 });
  onTestFinished(async () => {
    const keys = [`${prefix}turn`, `${prefix}turns`];
    await connection.run((client) => client.del(keys)).catch(() => {});
    await connection.close();
  });
  await log.said('Redis is up');
  const fanOut = redisFanOut(connection, log, { prefix });
  function listen() {
    const heard: Notice[] = [];
    const emitter = new EventEmitter();
    const cancel = fanOut.subscribe((notice) => {
      heard.push(notice);
      emitter.emit('notice');
    });
    const until = async (count: number): Promise<void> => {
      while (heard.length < count) await once(emitter, 'notice');
    };
    return { heard, until, cancel };
  }
  return { connection, fanOut, log, listen };
}

describeWith(redis, () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startRedis();
  });
  afterAll(() => database.stop());

  /** Processes with a channel and turns of their own, all of them subscribed. */
  async function startAll(count: number) {
    const prefix = newPlace();
    const processes = await Promise.all(
      Array.from({ length: count }, () => start(database, prefix)),
    );
    const inboxes = processes.map(({ listen }) => listen());
    // Answered after each connection's subscription, which was sent before.
    for (const { fanOut } of processes) await fanOut.check();
    const [first] = processes as [Process];
    return { prefix, processes, inboxes, first };
  }

  test('every process hears every notice once and in order, the one that publishes included', async () => {
    const { inboxes, first } = await startAll(3);
    for (const notice of notices) await first.fanOut.publish(notice);
    for (const { until, heard } of inboxes) {
      await until(notices.length);
      expect(heard).toEqual(notices);
    }
  });

  test('fan-outs with other prefixes are strangers', async () => {
    const [ours, theirs] = [await startAll(1), await startAll(1)];
    await ours.first.fanOut.publish({ kind: 'broadcast', message: 'ours' });
    await theirs.first.fanOut.publish({ kind: 'broadcast', message: 'theirs' });
    await theirs.inboxes[0]?.until(1);
    expect(theirs.inboxes[0]?.heard).toEqual([{ kind: 'broadcast', message: 'theirs' }]);
  });

  test('S12 what is no notice is ignored, and logged without what it says', async () => {
    const { prefix, inboxes, first } = await startAll(1);
    const secret = 'hunter2';
    const garbage = [
      secret,
      '',
      '{',
      'null',
      '1',
      '[]',
      JSON.stringify(secret),
      JSON.stringify({ kind: secret }),
      JSON.stringify({ kind: 'toString' }),
      JSON.stringify({ kind: 'broadcast' }),
      JSON.stringify({ kind: 'message', user: secret }),
      JSON.stringify({ kind: 'message', message: secret }),
      JSON.stringify({ kind: 'forbid', user: [secret] }),
      JSON.stringify({ kind: 'readmit' }),
      JSON.stringify({ kind: 'logout', identity: null }),
      JSON.stringify({ kind: 'logout', identity: { ...ada, user: 1 } }),
      JSON.stringify({ kind: 'logout', identity: { ...ada, id: undefined } }),
      JSON.stringify({ kind: 'logout', identity: { ...ada, expiresAt: secret } }),
    ];
    for (const text of garbage) await first.connection.client.publish(`${prefix}notices`, text);
    await first.fanOut.publish({ kind: 'broadcast', message: 'good' });
    const [inbox] = inboxes;
    await inbox?.until(1);
    expect(inbox?.heard).toEqual([{ kind: 'broadcast', message: 'good' }]);
    const complaints = first.log.lines.filter((line) => line.includes('is none'));
    expect(complaints).toHaveLength(garbage.length);
    expect(first.log.lines.join()).not.toContain(secret);
  });

  test('nothing is heard after cancelling, however often, while others go on', async () => {
    const { inboxes, first } = await startAll(2);
    const alsoThere = first.listen();
    inboxes[0]?.cancel();
    inboxes[0]?.cancel();
    await first.fanOut.publish({ kind: 'forbid', user: 'ada' });
    for (const { until } of [alsoThere, inboxes[1] ?? alsoThere]) await until(1);
    expect(inboxes[0]?.heard).toEqual([]);

    alsoThere.cancel();
    await first.fanOut.publish({ kind: 'readmit', user: 'ada' });
    await inboxes[1]?.until(2);
    await first.fanOut.check();
    expect(alsoThere.heard).toHaveLength(1);
  });

  test('each turn is one of three processes’, its number is the next, and none is early', async () => {
    const { processes } = await startAll(3);
    const interval = 100;
    const turns: { n: number; at: number }[] = [];
    // Each asks as fast as it can, instead of once in an interval.
    const race = processes.map(async ({ fanOut }) => {
      while (turns.length < 4) {
        const n = await fanOut.turn(interval);
        if (n !== undefined) turns.push({ n, at: performance.now() });
      }
    });
    await Promise.all(race);
    expect(turns.map(({ n }) => n)).toEqual([1, 2, 3, 4]);
    const first = turns[0]?.at ?? 0;
    // Nine tenths of the interval each; the clocks of two processes are not compared closer.
    expect((turns[3]?.at ?? 0) - first).toBeGreaterThan(3 * 0.9 * interval - 20);
  });

  test('a process that asks once in each interval has every turn to itself', async () => {
    const { first, prefix } = await startAll(1);
    const { client } = first.connection;
    expect(await first.fanOut.turn(60_000)).toBe(1);
    expect(await first.fanOut.turn(60_000)).toBeUndefined();
    const left = await client.pTTL(`${prefix}turn`);
    // Over before the next tick, though that may come a little early.
    expect(left).toBeLessThanOrEqual(54_000);
    expect(left).toBeGreaterThan(44_000);
    await client.del(`${prefix}turn`);
    expect(await first.fanOut.turn(60_000)).toBe(2);
  });

  test.each([0.5, 1, 333, 60_000.7])('a turn of %d ms can be had', async (interval) => {
    const { first } = await startAll(1);
    expect(await first.fanOut.turn(interval)).toBe(1);
  });
});

describeWithOwn(redis, () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startRedis();
  });
  afterAll(() => database.stop());

  test('S12 it rejects while Redis is down, and says when it is back, with the subscription in place', async () => {
    const prefix = newPlace();
    const [here, there] = [await start(database, prefix), await start(database, prefix)];
    const inbox = there.listen();
    await there.fanOut.check();
    let recoveries = 0;
    const published = new Promise<void>((resolve, reject) => {
      const cancel = there.fanOut.onRecovery(() => {
        recoveries += 1;
        cancel();
        there.fanOut.publish({ kind: 'broadcast', message: 'back' }).then(resolve, reject);
      });
    });

    await database.kill();
    await Promise.all([here.log.said('Redis is down'), there.log.said('Redis is down')]);
    const { fanOut } = here;
    const notice = { kind: 'broadcast', message: 'lost' } as const;
    for (const operation of [fanOut.publish(notice), fanOut.turn(1000), fanOut.check()]) {
      await expect(operation).rejects.toBeInstanceOf(StoreUnavailable);
    }
    expect(recoveries).toBe(0);

    await database.restart();
    await published;
    await inbox.until(1);
    expect(inbox.heard).toEqual([{ kind: 'broadcast', message: 'back' }]);
    await here.log.said('Redis is up');
    await here.fanOut.publish({ kind: 'broadcast', message: 'from another' });
    await inbox.until(2);
    expect(recoveries).toBe(1);
  });
});
