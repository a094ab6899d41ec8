import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { connectRedis } from './redis.ts';
import { redisRevocations } from './redis-revocations.ts';
import { StoreUnavailable } from './store-unavailable.ts';
import { describeWith, describeWithOwn, type TestDatabase } from './testing/database.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { recordedLog } from './testing/recorded-log.ts';
import { redis, startRedis } from './testing/redis.ts';
import { newPlace } from './testing/token-store.contract.ts';

async function start(database: TestDatabase, prefix = newPlace()) {
  const environment = fakeEnvironment();
  const log = recordedLog();
  const connection = connectRedis(database.url, { log, timeout: 500 });
  onTestFinished(async () => {
    await connection.run((client) => client.del(`${prefix}forbidden`)).catch(() => {});
    await connection.close();
  });
  await log.said('Redis is up');
  const revocations = redisRevocations(connection, environment, { prefix });
  const ada = { user: 'ada', id: 'one', expiresAt: environment.now() + 60_000 };
  return { environment, log, client: connection.client, prefix, revocations, ada };
}

describeWith(redis, () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startRedis();
  });
  afterAll(() => database.stop());

  /** What two processes have. */
  async function startTwo() {
    const here = await start(database);
    return { here, there: await start(database, here.prefix) };
  }

  test('S10 a JWT that one process revoked is refused by another, and only that one', async () => {
    const { here, there } = await startTwo();
    const { ada } = here;
    expect(await there.revocations.check(ada)).toBe('good');
    await here.revocations.revoke(ada);
    expect(await there.revocations.check(ada)).toBe('revoked');
    expect(await there.revocations.check({ ...ada, id: 'two' })).toBe('good');
  });

  test('S10 a user whom one process forbids stays out at another, until readmitted', async () => {
    const { here, there } = await startTwo();
    const { ada } = here;
    await here.revocations.forbid('ada');
    await here.revocations.forbid('ada');
    expect(await there.revocations.check(ada)).toBe('forbidden');
    expect(await there.revocations.check({ ...ada, id: 'two' })).toBe('forbidden');
    expect(await there.revocations.check({ ...ada, user: 'bob' })).toBe('good');
    await here.revocations.forbid('bob');
    await there.revocations.readmit('ada');
    expect(await here.revocations.check(ada)).toBe('good');
    expect(await here.revocations.check({ ...ada, user: 'bob' })).toBe('forbidden');
  });

  test('S10 to be readmitted does not make a revoked JWT good', async () => {
    const { here, there } = await startTwo();
    const { ada } = here;
    await here.revocations.revoke(ada);
    await here.revocations.forbid('ada');
    expect(await there.revocations.check(ada)).toBe('forbidden');
    await here.revocations.readmit('ada');
    expect(await there.revocations.check(ada)).toBe('revoked');
  });

  test('a revocation is kept until the JWT has expired by the clock of every process', async () => {
    const { revocations, client, prefix, ada, environment } = await start(database);
    await revocations.revoke(ada);
    const left = await client.pTTL(`${prefix}revoked:one`);
    expect(left).toBeGreaterThan(110_000);
    expect(left).toBeLessThanOrEqual(120_000);

    // Expired here, yet good for a process whose clock is behind.
    environment.advance(60_001);
    await revocations.revoke({ ...ada, id: 'two' });
    expect(await revocations.check({ ...ada, id: 'two' })).toBe('revoked');
    environment.advance(60_000);
    await revocations.revoke({ ...ada, id: 'three' });
    expect(await revocations.check({ ...ada, id: 'three' })).toBe('good');
  });

  test('S10 a JWT is revoked at a fraction of a millisecond too', async () => {
    const { revocations, ada, environment } = await start(database);
    environment.advance(0.3);
    await revocations.revoke(ada);
    expect(await revocations.check(ada)).toBe('revoked');
    const odd = { ...ada, id: 'two', expiresAt: ada.expiresAt + 0.7 };
    await revocations.revoke(odd);
    expect(await revocations.check(odd)).toBe('revoked');
  });

  test('names of users and JWTs may be anything', async () => {
    const { revocations, ada } = await start(database);
    const names = ['', '*', 'two\r\nlines', 'ümläut', '\0', '__proto__', 'x'.repeat(10_000)];
    for (const name of names) {
      const identity = { ...ada, user: name, id: name };
      await revocations.revoke(identity);
      expect(await revocations.check(identity)).toBe('revoked');
      await revocations.forbid(name);
      expect(await revocations.check(identity)).toBe('forbidden');
      await revocations.readmit(name);
    }
  });
});

describeWithOwn(redis, () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startRedis();
  });
  afterAll(() => database.stop());

  test('S12 nothing passes for good while Redis is down, and all works once it is back', async () => {
    const { revocations, ada, log } = await start(database);
    await database.kill();
    await log.said('Redis is down');
    const operations = [
      revocations.check(ada),
      revocations.revoke(ada),
      revocations.forbid('ada'),
      revocations.readmit('ada'),
    ];
    for (const operation of operations) {
      await expect(operation).rejects.toBeInstanceOf(StoreUnavailable);
    }
    await database.restart();
    await log.said('Redis is up');
    await revocations.revoke(ada);
    expect(await revocations.check(ada)).toBe('revoked');
  });
});
