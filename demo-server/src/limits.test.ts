import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createPlaces, rateLimiter, userRateLimiter } from './limits.ts';
import { connectRedis, type Redis } from './redis.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { redis, startRedis } from './testing/redis.ts';

test('a rate allows its burst, then says how long to wait', () => {
  const environment = fakeEnvironment();
  const limit = rateLimiter(environment, 10, 2);
  expect([limit(), limit(), limit()]).toEqual([0, 0, 100]);
  environment.advance(99);
  expect(limit()).toBe(1);
  environment.advance(1);
  expect(limit()).toBe(0);
  environment.advance(60_000);
  expect([limit(), limit(), limit()]).toEqual([0, 0, 100]);
});

test('a wall clock that is set back stops no rate', () => {
  const environment = fakeEnvironment();
  const limit = rateLimiter(environment, 10, 1);
  limit();
  environment.setWallClock(0);
  environment.advance(100);
  expect(limit()).toBe(0);
});

test('each user has a minute of their own', async () => {
  // The library that counts looks at the machine's clock.
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const limit = userRateLimiter(2);
  expect([await limit('ada'), await limit('ada'), await limit('ada')]).toEqual([0, 0, 60_000]);
  expect(await limit('bob')).toBe(0);
  vi.setSystemTime(Date.now() + 59_999);
  expect(await limit('ada')).toBe(1);
  vi.setSystemTime(Date.now() + 1);
  expect([await limit('ada'), await limit('ada'), await limit('ada')]).toEqual([0, 0, 60_000]);
});

test('a limit of 0 is off', async () => {
  const environment = fakeEnvironment();
  const rate = rateLimiter(environment, 0, 0);
  const users = userRateLimiter(0);
  const places = createPlaces(0);
  for (let n = 0; n < 1000; n += 1) {
    expect([rate(), await users('ada')]).toEqual([0, 0]);
    expect(places.enter()).toBeDefined();
  }
});

describe.skipIf(!redis.isThere)(redis.name, () => {
  test('S9 a user’s minute is one for all processes', async () => {
    const database = await startRedis();
    onTestFinished(() => database.stop());
    const connections = [connectRedis(database.url), connectRedis(database.url)] as const;
    onTestFinished(async () => void (await Promise.all(connections.map((one) => one.close()))));
    await Promise.all(connections.map(up));
    const [here, there] = connections.map((connection) => userRateLimiter(2, connection));
    const user = `ada-${process.pid}`;
    expect(await here?.(user)).toBe(0);
    expect(await there?.(user)).toBe(0);
    const wait = await here?.(user);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60_000);
    expect(await there?.(user)).toBeGreaterThan(0);
    expect(await there?.(`bob-${process.pid}`)).toBe(0);
  });

  test.skipIf(Boolean(process.env.REDIS_URL))(
    'S12 without Redis each process counts by itself',
    async () => {
      const database = await startRedis();
      onTestFinished(() => database.stop());
      const connection = connectRedis(database.url);
      onTestFinished(() => connection.close());
      await up(connection);
      const limit = userRateLimiter(1, connection);
      await database.kill();
      expect(await limit('ada')).toBe(0);
      expect(await limit('ada')).toBeGreaterThan(0);
    },
  );
});

/** Resolves once commands can be sent. */
async function up(connection: Redis): Promise<void> {
  if (connection.up) return;
  await new Promise<void>((resolve) => {
    const cancel = connection.onUp(() => {
      cancel();
      resolve();
    });
  });
}
