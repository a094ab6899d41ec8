import { Mongoose } from 'mongoose';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { mongoTokens } from './mongo-tokens.ts';
import { StoreUnavailable } from './store-unavailable.ts';
import { describeWith, describeWithOwn, type TestDatabase } from './testing/database.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { mongo, startMongo } from './testing/mongo.ts';
import { recordedLog } from './testing/recorded-log.ts';
import { testStoreFailures } from './testing/store-failures.contract.ts';
import { newPlace, testTokenStore } from './testing/token-store.contract.ts';
import type { TokenStore } from './tokens.ts';

const INTERVAL = 60_000;

describeWith(mongo, () => {
  let url: string;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    const database: TestDatabase = await startMongo();
    url = database.url;
    stop = database.stop;
  });
  afterAll(() => stop());

  /** The database of a test, gone when the test is. */
  async function inspect(database: string) {
    const connection = await new Mongoose().createConnection(url, { dbName: database }).asPromise();
    onTestFinished(async () => {
      await connection.dropDatabase();
      await connection.close();
    });
    return connection.collection('tokens');
  }

  async function open(
    database: string,
    interval = INTERVAL,
    environment = fakeEnvironment(),
  ): Promise<TokenStore> {
    const log = recordedLog();
    const tokens = mongoTokens(url, environment, { interval, log, database });
    await log.said('MongoDB is up');
    return tokens;
  }

  testTokenStore({
    isShared: true,
    async open(environment, place) {
      await inspect(place);
      return open(place, INTERVAL, environment);
    },
  });

  test('MongoDB holds the fields of the pattern, and no token', async () => {
    const database = newPlace();
    const environment = fakeEnvironment();
    const collection = await inspect(database);
    const tokens = await open(database, INTERVAL, environment);
    const { token, expiresAt } = await tokens.mint('ada', { expiresIn: 500, reusable: true });
    const documents = await collection.find({}).toArray();
    expect(documents).toEqual([
      {
        _id: expect.anything(),
        token: expect.stringMatching(/^[\w-]{43}$/),
        token_type: 'ws',
        user_id: 'ada',
        createdAt: new Date(environment.now()),
        expiresAt: new Date(expiresAt),
        reusable: true,
      },
    ]);
    expect(JSON.stringify(documents)).not.toContain(token);
    await tokens.close();
  });

  test('MongoDB deletes tokens by age, also after the interval was changed', async () => {
    const database = newPlace();
    const collection = await inspect(database);
    const indexes = async () =>
      (await collection.indexes()).filter(
        ({ expireAfterSeconds }) => expireAfterSeconds !== undefined,
      );
    for (const [interval, seconds] of [
      [900_000, 900],
      [900_000, 900],
      [1001, 2],
      [60_000, 60],
    ]) {
      await (await open(database, interval)).close();
      expect(await indexes()).toMatchObject([
        { key: { createdAt: 1 }, expireAfterSeconds: seconds },
      ]);
    }
  });

  test('a token that is there is not minted again', async () => {
    const database = newPlace();
    await inspect(database);
    const policy = { expiresIn: INTERVAL, reusable: true };
    // Both make up the same tokens, as if one's randomness began anew.
    const [first, second] = [await open(database), await open(database)];
    const { token } = await first.mint('ada', policy);
    await expect(second.mint('bob', policy)).rejects.toThrow(StoreUnavailable);
    expect(await first.take(token)).toBe('ada');
    await Promise.all([first.close(), second.close()]);
  });
});

test('an address that is none is refused without being quoted', () => {
  const open = (url: string) => () => mongoTokens(url, fakeEnvironment(), { interval: INTERVAL });
  expect(open('redis://:hunter2@db')).toThrow(
    new TypeError('Not an address of MongoDB: expected mongodb://… or mongodb+srv://…'),
  );
});

describeWithOwn(mongo, () => {
  testStoreFailures({
    name: 'MongoDB',
    start: startMongo,
    open: (url, environment, log, database) =>
      mongoTokens(url, environment, { interval: INTERVAL, log, timeout: 1000, database }),
  });
});
