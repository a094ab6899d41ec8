import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { systemEnvironment } from './environment.ts';
import { connectRedis } from './redis.ts';
import { redisRevocations } from './redis-revocations.ts';
import {
  type Client,
  openRaw,
  PING,
  PONG,
  type RawClient,
  UpgradeRefused,
  upgradeRequest,
} from './testing/client.ts';
import { type Cluster, type Member, startCluster } from './testing/cluster.ts';
import { describeWithOwn, type TestDatabase } from './testing/database.ts';
import { startLoad } from './testing/load.ts';
import { recordedLog } from './testing/recorded-log.ts';
import { redis, startRedis } from './testing/redis.ts';

// Four processes share what the machine has left, and clients wait before they come back.
vi.setConfig({ testTimeout: 60_000 });

const HOUR = 3_600_000;
const BROADCAST_EVERY = 200;

/** What a client was sent since the frame that was last asked for, up to one that fits. */
async function until(client: Client, fits: (data: unknown) => boolean): Promise<unknown[]> {
  const passed: unknown[] = [];
  for (;;) {
    const { data } = (await client.nextJson()) as { data: unknown };
    if (fits(data)) return passed;
    passed.push(data);
  }
}

const isMessage =
  (wanted: string) =>
  (data: unknown): boolean =>
    data === wanted;

async function echoes(client: Client): Promise<void> {
  client.sendJson({ type: 'message', data: 'hello' });
  await until(client, isMessage('echo: hello'));
}

/** How an attempt to open a WebSocket goes: 101, or what it was refused with. */
async function statusOf(opening: Promise<Client>): Promise<number> {
  try {
    (await opening).socket.terminate();
    return 101;
  } catch (error) {
    if (error instanceof UpgradeRefused) return error.status;
    throw error;
  }
}

async function closeCodeAfterInit(client: Client, jwt: string): Promise<number> {
  client.sendJson({ type: 'jwt', token: jwt });
  const { code } = await client.closed;
  expect(client.frames).toEqual([]);
  return code;
}

describeWithOwn(redis, () => {
  let database: TestDatabase;
  let cluster: Cluster;
  beforeAll(async () => {
    database = await startRedis();
    cluster = await startCluster(database.url, {
      BROADCAST_EVERY: String(BROADCAST_EVERY),
      // Longer than the entry takes to notice.
      DRAIN_DELAY: '1000',
      // Longer than the tests: those that hang before it do so until they are ended.
      INIT_TIMEOUT: '60000',
    });
  }, 60_000);
  afterAll(async () => {
    await cluster?.stop();
    await database?.stop();
  });

  const jwtOf = (user: string): Promise<string> => cluster.jwts.sign(user, HOUR);
  const onEach = <T>(act: (member: Member, index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(cluster.members.map(act));

  /** A ready connection to each process, for the length of the test. */
  async function readyOnEach(jwt: string): Promise<Client[]> {
    const clients = await onEach((member) => member.ready(jwt));
    onTestFinished(() => {
      for (const { socket } of clients) socket.terminate();
    });
    return clients;
  }

  /**
   * Resolves once every process has obeyed all that was published so far: notices come in order, and
   * each of these clients is at another process.
   */
  async function obeyed(witnesses: readonly Client[]): Promise<void> {
    const marker = `marker ${performance.now()}`;
    await cluster.members[0].operate('/broadcast', { data: marker });
    await Promise.all(witnesses.map((witness) => until(witness, isMessage(marker))));
  }

  test('a token minted at one process opens a socket at another', async () => {
    const jwt = await jwtOf('ada');
    const { members } = cluster;
    for (const [index, member] of members.entries()) {
      const other = members[(index + 1) % members.length] as Member;
      const client = await other.open(await member.token(jwt));
      client.sendJson({ type: 'jwt', token: jwt });
      expect(await client.nextJson()).toMatchObject({ type: 'ready', user: 'ada' });
      client.socket.terminate();
    }
  });

  test('a broadcast of one process reaches clients of all', async () => {
    const clients = await readyOnEach(await jwtOf('ada'));
    await cluster.members[2].operate('/broadcast', { data: 'to all' });
    for (const client of clients) await until(client, isMessage('to all'));
  });

  test('a message to a user reaches them wherever they are, and nobody else', async () => {
    const [ada, bob] = [
      await readyOnEach(await jwtOf('ada')),
      await readyOnEach(await jwtOf('bob')),
    ];
    await cluster.members[1].operate('/send', { user: 'ada', data: 'for ada' });
    for (const client of ada) await until(client, isMessage('for ada'));
    await obeyed(ada);
    await cluster.members[1].operate('/broadcast', { data: 'for all' });
    for (const client of bob) {
      expect(await until(client, isMessage('for all'))).not.toContain('for ada');
    }
  });

  test('S1 a single-use token admits one of 100 concurrent upgrades at three processes', async () => {
    const token = await cluster.members[0].token(await jwtOf('ada'));
    const attempts = Array.from({ length: 100 }, (_, index) =>
      statusOf((cluster.members[index % 3] as Member).open(token)),
    );
    const statuses = await Promise.all(attempts);
    expect(statuses.filter((status) => status === 101)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(99);
  });

  test('S10 a logout at one process ends the user at all, and the JWT is refused at each', async () => {
    const jwt = await jwtOf('ada');
    const again = await jwtOf('ada');
    const connections = [...(await readyOnEach(jwt)), ...(await readyOnEach(again))];
    const bob = await readyOnEach(await jwtOf('bob'));
    const waiting = await onEach(async (member) => member.open(await member.token(jwt)));

    expect((await cluster.members[1].post('/logout', jwt)).status).toBe(200);
    for (const { closed } of connections) {
      expect(await closed).toEqual({ code: 4401, reason: 'logged out' });
    }
    expect(await onEach(async (member) => (await member.post('/token/ws', jwt)).status)).toEqual([
      401, 401, 401,
    ]);
    expect(await Promise.all(waiting.map((client) => closeCodeAfterInit(client, jwt)))).toEqual([
      4401, 4401, 4401,
    ]);
    for (const client of bob) await echoes(client);
    await readyOnEach(again);
  });

  test('S10 a user who is forbidden is kept out by all processes, until readmitted', async () => {
    const jwt = await jwtOf('ada');
    const connections = await readyOnEach(jwt);
    const bob = await readyOnEach(await jwtOf('bob'));
    const waiting = await onEach(async (member) => member.open(await member.token(jwt)));

    await cluster.members[2].operate('/forbid', { user: 'ada' });
    for (const { closed } of connections) {
      expect(await closed).toEqual({ code: 4403, reason: 'forbidden' });
    }
    expect(await onEach(async (member) => (await member.post('/token/ws', jwt)).status)).toEqual([
      403, 403, 403,
    ]);
    expect(await Promise.all(waiting.map((client) => closeCodeAfterInit(client, jwt)))).toEqual([
      4403, 4403, 4403,
    ]);

    await cluster.members[0].operate('/readmit', { user: 'ada' });
    await obeyed(bob);
    await readyOnEach(jwt);
  });

  test('the broadcast pipeline runs once for all processes', async () => {
    const clients = await readyOnEach(await jwtOf('ada'));
    await obeyed(clients);
    const start = performance.now();
    const seen = await Promise.all(
      clients.map(async (client) => {
        const numbers: number[] = [];
        while (numbers.length < 6) {
          const { data } = (await client.nextJson()) as { data: string };
          numbers.push(Number(/^broadcast message (\d+)$/.exec(data)?.[1]));
        }
        return numbers;
      }),
    );
    for (const numbers of seen) {
      const first = numbers[0] as number;
      expect(numbers).toEqual(numbers.map((_, index) => first + index));
    }
    // Three pipelines would be through in a third of the time.
    expect(performance.now() - start).toBeGreaterThan(3 * BROADCAST_EVERY);
  });

  test('S10 what was revoked while its notices went missing is caught up with', async () => {
    const [ada, bob, cy] = [await jwtOf('ada'), await jwtOf('bob'), await jwtOf('cy')];
    const [loggedOut, forbidden] = [await readyOnEach(ada), await readyOnEach(bob)];
    const others = await readyOnEach(await jwtOf('dan'));
    await cluster.members[0].operate('/forbid', { user: 'cy' });
    await obeyed(others);

    const log = recordedLog();
    const connection = connectRedis(database.url, { log });
    onTestFinished(() => connection.close());
    await log.said('Redis is up');
    const revocations = redisRevocations(connection, systemEnvironment);
    await revocations.revoke(await cluster.jwts.verify(ada));
    await revocations.forbid('bob');
    await revocations.readmit('cy');
    await connection.client.sendCommand(['CLIENT', 'KILL', 'SKIPME', 'yes']);

    for (const { closed } of loggedOut) {
      expect(await closed).toEqual({ code: 4401, reason: 'logged out' });
    }
    for (const { closed } of forbidden) {
      expect(await closed).toEqual({ code: 4403, reason: 'forbidden' });
    }
    for (const client of others) await echoes(client);
    await readyOnEach(cy);
    await revocations.readmit('bob');
  });

  test('S12 while Redis is away connections stay and nobody is let in; then all works again', async () => {
    const jwt = await jwtOf('ada');
    const connections = await readyOnEach(jwt);
    const token = await cluster.members[0].token(jwt);
    const waiting = await onEach(async (member) => member.open(await member.token(jwt)));

    await database.kill();
    await onEach((member) => member.becomes(503));
    await onEach(async (member) => {
      const health = await member.request('/health');
      expect([health.status, await health.json()]).toMatchObject([
        200,
        { data: { tokenStore: 'down', fanOut: 'down' } },
      ]);
      for (const path of ['/token/ws', '/logout']) {
        const response = await member.post(path, jwt);
        expect([path, response.status]).toEqual([path, 503]);
        expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      await expect(member.operate('/forbid', { user: 'ada' })).rejects.toThrow('503');
      expect(await statusOf(member.open(token))).toBe(503);
    });
    for (const client of waiting) expect(await closeCodeAfterInit(client, jwt)).toBe(1013);
    for (const client of connections) await echoes(client);

    await database.restart();
    await onEach((member) => member.becomes(200));
    for (const client of connections) await echoes(client);
    await obeyed(connections);
    await readyOnEach(jwt);
    expect((await cluster.members[0].post('/logout', jwt)).status).toBe(200);
    for (const { closed } of connections) expect((await closed).code).toBe(4401);
  });

  test('S10 a revoked JWT stays refused though Redis lost what it had', async () => {
    const jwt = await jwtOf('ada');
    const bob = await readyOnEach(await jwtOf('bob'));
    expect((await cluster.members[0].post('/logout', jwt)).status).toBe(200);
    await obeyed(bob);
    await database.kill();
    await onEach((member) => member.becomes(503));
    await database.restart();
    await onEach((member) => member.becomes(200));
    const statuses = await onEach(async (member) => (await member.post('/token/ws', jwt)).status);
    expect(statuses).toEqual([401, 401, 401]);
  });

  test('S13 a process that is restarted gracefully loses none of its clients on the way', async () => {
    const [, , leaving] = cluster.members;
    await expect.poll(() => cluster.ready, { timeout: 5000 }).toBe(3);
    const jwts = await Promise.all(Array.from({ length: 60 }, (_, n) => jwtOf(`user ${n}`)));
    const load = startLoad(cluster.url, jwts);
    onTestFinished(() => load.stop());
    await load.until(load.allReady);
    expect(await leaving.metric(READY)).toBeGreaterThan(0);

    await leaving.restart();
    expect([load.losses, load.allReady()]).toEqual([0, true]);
    expect(load.opened.length).toBeGreaterThan(jwts.length);
    expect(new Set(load.opened).size).toBe(load.opened.length);
    await leaving.becomes(200);
    await load.allHear('welcome back', () =>
      leaving.operate('/broadcast', { data: 'welcome back' }),
    );
  });

  // The last one, as it leaves two processes.
  test('a process that is killed under load loses its clients to the others, and no token', async () => {
    const [victim, ...survivors] = cluster.members;
    await expect.poll(() => cluster.ready, { timeout: 5000 }).toBe(3);
    await onEach(async (member) => {
      await expect.poll(() => member.metric(READY), { timeout: 5000 }).toBe(0);
    });
    const admittedBefore = await onEach((member) => member.metric(ADMITTED));
    const jwts = await Promise.all(Array.from({ length: 100 }, (_, n) => jwtOf(`user ${n}`)));
    const load = startLoad(cluster.url, jwts);
    onTestFinished(() => load.stop());
    await load.until(load.allReady);

    const hanging = await Promise.all(jwts.slice(0, 30).map((jwt) => hang(jwt)));
    const [ready = 0, hangingThere = 0, admittedThere = 0] = await Promise.all(
      [READY, UNAUTHENTICATED, ADMITTED].map((name) => victim.metric(name)),
    );
    expect([ready, hangingThere].every((count) => count > 0)).toBe(true);

    await victim.kill();
    await load.until(() => load.losses === ready && load.allReady());
    const say = () => survivors[0].operate('/broadcast', { data: 'to all again' });
    await load.allHear('to all again', say);
    const counts = await Promise.all(survivors.map((member) => member.metric(READY)));
    expect(counts.reduce((sum, count) => sum + count)).toBe(100);

    let cutOff = 0;
    for (const { raw, head } of hanging) {
      raw.socket.write(PING);
      const nothing = raw.ended.then(() => Buffer.alloc(0));
      const answer = raw.until(PONG).then(
        () => PONG,
        () => nothing,
      );
      const rest = await Promise.race([answer, nothing]);
      if (rest.length === 0) cutOff += 1;
      expect(raw.received()).toEqual(Buffer.concat([head, rest]));
    }
    expect(cutOff).toBe(hangingThere);

    const opened = [...load.opened, ...hanging.map(({ token }) => token)];
    expect(new Set(opened).size).toBe(opened.length);
    const admitted = await Promise.all(survivors.map((member) => member.metric(ADMITTED)));
    const before = admittedBefore.reduce((sum, count) => sum + count);
    expect([admittedThere, ...admitted].reduce((sum, count) => sum + count) - before).toBe(
      opened.length,
    );
    const replays = opened.map((token, n) => statusOf((survivors[n % 2] as Member).open(token)));
    expect(new Set(await Promise.all(replays))).toEqual(new Set([401]));
  });

  /** A connection through the entry that stays silent after its upgrade. */
  async function hang(jwt: string): Promise<{ raw: RawClient; head: Buffer; token: string }> {
    const token = await cluster.members[0].token(jwt);
    const raw = openRaw(cluster.url);
    onTestFinished(() => void raw.socket.destroy());
    raw.socket.write(upgradeRequest(`/demo?token=${token}`));
    await raw.until('\r\n\r\n');
    const head = raw.received();
    expect(head.toString()).toMatch(/^HTTP\/1\.1 101 /);
    return { raw, head, token };
  }
});

const READY = 'two_stage_connections{state="ready"}';
const UNAUTHENTICATED = 'two_stage_connections{state="unauthenticated"}';
const ADMITTED = 'two_stage_upgrades_total{status="101"}';
