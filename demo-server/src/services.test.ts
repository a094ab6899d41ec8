import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openServices, type Services } from './services.ts';
import { defaultSettings, type Settings } from './settings.ts';
import { StoreUnavailable } from './store-unavailable.ts';
import { type Availability, describeWith, type TestDatabase } from './testing/database.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { mongo, startMongo } from './testing/mongo.ts';
import { recordedLog } from './testing/recorded-log.ts';
import { redis, startRedis } from './testing/redis.ts';
import { newPlace } from './testing/token-store.contract.ts';

/** The services of a process, once their database is up. */
async function open(database: string, settings: Partial<Settings>): Promise<Services> {
  const log = recordedLog();
  const services = openServices({ ...defaultSettings, ...settings }, fakeEnvironment(), log);
  onTestFinished(() => services.close());
  await log.said(`${database} is up`);
  return services;
}

/** Defines tests with a database that is started for them. */
function describeOn(
  database: Availability,
  start: () => Promise<TestDatabase>,
  body: (url: () => string) => void,
): void {
  describeWith(database, () => {
    let running: TestDatabase;
    beforeAll(async () => {
      running = await start();
    });
    afterAll(() => running.stop());
    body(() => running.url);

    test('the token store is closed with the rest', async () => {
      const { tokens, close } = await open(database.name, { tokenStore: running.url });
      await tokens.check();
      await close();
      await expect(tokens.check()).rejects.toBeInstanceOf(StoreUnavailable);
    });
  });
}

describeOn(mongo, startMongo, () => {});

describeOn(redis, startRedis, (url) => {
  test.each([
    ['token store', (address: string) => ({ tokenStore: address })],
    ['fan-out', (address: string) => ({ fanOut: address })],
  ])('S9 processes with one Redis as %s share the minute of a user', async (_what, settings) => {
    const all = { ...settings(url()), tokensPerMinute: 2 };
    const [here, there] = [await open('Redis', all), await open('Redis', all)];
    const user = newPlace();
    expect([await here.tokenRate(user), await there.tokenRate(user)]).toEqual([0, 0]);
    for (const { tokenRate } of [here, there]) expect(await tokenRate(user)).toBeGreaterThan(0);
  });

  test('a fan-out of its own is closed with the rest', async () => {
    const { fanOut, close } = await open('Redis', { fanOut: url() });
    await fanOut.check();
    await close();
    await expect(fanOut.check()).rejects.toBeInstanceOf(StoreUnavailable);
  });
});
