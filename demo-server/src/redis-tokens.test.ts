import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { connectRedis, type Redis } from './redis.ts';
import { redisTokens } from './redis-tokens.ts';
import { describeWith, describeWithOwn, type TestDatabase } from './testing/database.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { recordedLog } from './testing/recorded-log.ts';
import { redis, startRedis } from './testing/redis.ts';
import { testStoreFailures } from './testing/store-failures.contract.ts';
import { newPlace, testTokenStore } from './testing/token-store.contract.ts';
import type { TokenStore } from './tokens.ts';

/** A store that closes its connection too. */
function withConnection(connection: Redis, tokens: TokenStore): TokenStore {
  return { ...tokens, close: () => connection.close() };
}

describeWith(redis, () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startRedis();
  });
  afterAll(() => database.stop());

  async function connect(): Promise<Redis> {
    const log = recordedLog();
    const connection = connectRedis(database.url, { log });
    onTestFinished(() => connection.close());
    await log.said('Redis is up');
    return connection;
  }

  testTokenStore({
    isShared: true,
    async open(environment, place) {
      const connection = await connect();
      return withConnection(connection, redisTokens(connection, environment, { prefix: place }));
    },
  });

  async function keysOf(connection: Redis, prefix: string): Promise<string[]> {
    const found = [];
    for await (const keys of connection.client.scanIterator({ MATCH: `${prefix}*` })) {
      found.push(...keys);
    }
    return found;
  }

  test('Redis holds no token, and forgets what is over', async () => {
    const connection = await connect();
    const prefix = newPlace();
    const environment = fakeEnvironment();
    const tokens = redisTokens(connection, environment, { prefix });
    onTestFinished(() => tokens.revoke());
    const minted = [
      await tokens.mint('ada', { expiresIn: 60_000, reusable: false }),
      await tokens.mint('ada', { expiresIn: 30_000, reusable: true }),
    ];
    const keys = await keysOf(connection, prefix);
    expect(keys).toHaveLength(3);
    for (const key of keys) {
      const { client } = connection;
      const kept =
        key +
        JSON.stringify([
          await client.dump(key),
          key.includes('tokens-of') ? await client.zRange(key, 0, -1) : await client.get(key),
        ]);
      for (const { token } of minted) expect(kept).not.toContain(token);
      expect(await client.pTTL(key)).toBeGreaterThan(key.includes('once') ? 30_000 : 0);
      expect(await client.pTTL(key)).toBeLessThanOrEqual(60_000);
    }
  });

  test('a user’s list of tokens lives as long as the last of them, and loses the expired', async () => {
    const connection = await connect();
    const prefix = newPlace();
    const environment = fakeEnvironment();
    const tokens = redisTokens(connection, environment, { prefix });
    onTestFinished(() => tokens.revoke());
    const list = `${prefix}tokens-of:ada`;
    const { client } = connection;
    await tokens.mint('ada', { expiresIn: 60_000, reusable: false });
    await tokens.mint('ada', { expiresIn: 1000, reusable: false });
    expect(await client.pTTL(list)).toBeGreaterThan(1000);
    expect(await client.zCard(list)).toBe(2);
    // Another process may be as much behind, and take it for good.
    environment.advance(60_999);
    await tokens.mint('ada', { expiresIn: 1000, reusable: false });
    expect(await client.zCard(list)).toBe(3);
    environment.advance(1);
    await tokens.mint('ada', { expiresIn: 120_000, reusable: false });
    expect(await client.zCard(list)).toBe(3);
    expect(await client.pTTL(list)).toBeGreaterThan(60_000);
  });

  test('revoking all keeps to the store’s own keys, whatever is in its prefix', async () => {
    const connection = await connect();
    const place = newPlace();
    const environment = fakeEnvironment();
    const star = redisTokens(connection, environment, { prefix: `${place}*` });
    const other = redisTokens(connection, environment, { prefix: `${place}-other` });
    onTestFinished(() => other.revoke());
    const policy = { expiresIn: 60_000, reusable: true };
    const [mine, theirs] = [await star.mint('ada', policy), await other.mint('ada', policy)];
    await star.revoke();
    expect(await star.take(mine.token)).toBeUndefined();
    expect(await other.take(theirs.token)).toBe('ada');
  });

  test('a token that is minted while its user is revoked is good, until the next time', async () => {
    const connection = await connect();
    const tokens = redisTokens(connection, fakeEnvironment(), { prefix: newPlace() });
    onTestFinished(() => tokens.revoke());
    const policy = { expiresIn: 60_000, reusable: true };
    const before = await tokens.mint('ada', policy);
    const { client } = connection;
    const zRange = client.zRange.bind(client);
    let meanwhile = before;
    vi.spyOn(client, 'zRange').mockImplementationOnce(async (...range) => {
      const keys = await zRange(...range);
      meanwhile = await tokens.mint('ada', policy);
      return keys;
    });
    await tokens.revoke('ada');
    expect(await tokens.take(before.token)).toBeUndefined();
    expect(await tokens.take(meanwhile.token)).toBe('ada');
    await tokens.revoke('ada');
    expect(await tokens.take(meanwhile.token)).toBeUndefined();
  });

  test('a token that is there is not minted again', async () => {
    const connection = await connect();
    const prefix = newPlace();
    const policy = { expiresIn: 60_000, reusable: true };
    const tokens = redisTokens(connection, fakeEnvironment(), { prefix });
    onTestFinished(() => tokens.revoke());
    const { token } = await tokens.mint('ada', policy);
    // As if its randomness began anew.
    const again = redisTokens(connection, fakeEnvironment(), { prefix });
    await expect(again.mint('bob', policy)).rejects.toThrow('TOKEN_EXISTS');
    expect(await tokens.take(token)).toBe('ada');
  });
});

describeWithOwn(redis, () => {
  testStoreFailures({
    name: 'Redis',
    start: startRedis,
    open(url, environment, log, prefix) {
      const connection = connectRedis(url, { log, timeout: 500 });
      return withConnection(connection, redisTokens(connection, environment, { prefix }));
    },
  });
});
