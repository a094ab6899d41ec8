import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { StoreUnavailable } from '../store-unavailable.ts';
import type { TokenStore } from '../tokens.ts';
import type { TestDatabase } from './database.ts';
import { type FakeEnvironment, fakeEnvironment } from './fake-environment.ts';
import { type RecordedLog, recordedLog } from './recorded-log.ts';
import { newPlace } from './token-store.contract.ts';

/** What the suite needs of a kind of store that lives in a database. */
export interface FailingStore {
  /** As logs call the database. */
  readonly name: string;
  /** A database that may be ended. */
  start(): Promise<TestDatabase>;
  /** Opens a store without waiting for the database. */
  open(url: string, environment: FakeEnvironment, log: RecordedLog, place: string): TokenStore;
}

const policy = { expiresIn: 60_000, reusable: false };

/** SECURITY's S12 of a store: what becomes of it when its database fails. */
export function testStoreFailures({ name, start, open }: FailingStore): void {
  const isUp = `${name} is up`;
  const isDown = `${name} is down`;

  let database: TestDatabase;
  beforeAll(async () => {
    database = await start();
  });
  afterAll(() => database.stop());

  async function begin(isThere = true): Promise<{ tokens: TokenStore; log: RecordedLog }> {
    await (isThere ? database.restart() : database.kill());
    const log = recordedLog();
    const tokens = open(database.url, fakeEnvironment(), log, newPlace());
    onTestFinished(() => tokens.close());
    await log.said(isThere ? isUp : isDown);
    return { tokens, log };
  }

  async function expectUnavailable(tokens: TokenStore): Promise<void> {
    const operations = [
      tokens.mint('ada', policy),
      tokens.take('A'.repeat(43)),
      tokens.revoke('ada'),
      tokens.revoke(),
      tokens.check(),
    ];
    for (const result of await Promise.allSettled(operations)) {
      expect(result.status === 'rejected' && result.reason).toBeInstanceOf(StoreUnavailable);
    }
    expect(await tokens.take('malformed')).toBeUndefined();
  }

  async function expectWorking(tokens: TokenStore): Promise<void> {
    await tokens.check();
    const { token } = await tokens.mint('ada', policy);
    expect(await tokens.take(token)).toBe('ada');
    expect(await tokens.take(token)).toBeUndefined();
  }

  test('S12 works once its database is there, which was not at the start', async () => {
    const { tokens, log } = await begin(false);
    await expectUnavailable(tokens);
    await database.restart();
    await log.said(isUp);
    await expectWorking(tokens);
  });

  test('S12 rejects while its database is frozen, and works again when it thaws', async () => {
    const { tokens, log } = await begin();
    await expectWorking(tokens);
    database.freeze();
    await expectUnavailable(tokens);
    await log.said(isDown);
    await expectUnavailable(tokens);
    database.thaw();
    await log.said(isUp);
    await expectWorking(tokens);
  });

  test('S12 rejects when its database is killed, and works again with the next one', async () => {
    const { tokens, log } = await begin();
    await expectWorking(tokens);
    await database.kill();
    await log.said(isDown);
    await expectUnavailable(tokens);
    await database.restart();
    await log.said(isUp);
    await expectWorking(tokens);
  });

  test('S12 rejects what was under way when its database was killed', async () => {
    const { tokens } = await begin();
    database.freeze();
    const operations = [tokens.mint('ada', policy), tokens.check()];
    const settled = Promise.allSettled(operations);
    await database.kill();
    for (const result of await settled) {
      expect(result.status === 'rejected' && result.reason).toBeInstanceOf(StoreUnavailable);
    }
  });

  test('S12 says once that its database is down, however often it is asked', async () => {
    const { tokens, log } = await begin();
    const saidBefore = log.lines.length;
    await database.kill();
    await log.said(isDown);
    for (let time = 0; time < 3; time += 1) await expectUnavailable(tokens);
    expect(log.lines.slice(saidBefore)).toEqual([expect.stringContaining(isDown)]);
    await database.restart();
    await log.said(isUp);
  });

  test.for(['up', 'frozen', 'killed', 'never there'])(
    'closes when its database is %s',
    async (state) => {
      const { tokens } = await begin(state !== 'never there');
      if (state === 'frozen') database.freeze();
      if (state === 'killed') await database.kill();
      await tokens.close();
      await expectUnavailable(tokens);
    },
  );

  test('S11 no secret is in what it rejects with, or in the log', async () => {
    await database.restart();
    const url = new URL(database.url);
    url.username = 'someone';
    url.password = 'hunter2';
    const log = recordedLog();
    const tokens = open(url.href, fakeEnvironment(), log, newPlace());
    onTestFinished(() => tokens.close());
    await log.said(isDown);
    const secret = 'B'.repeat(43);
    const operations = [tokens.take(secret), tokens.mint('ada', policy)];
    const errors = await Promise.allSettled(operations);
    const said = inspect(errors, { depth: 10, showHidden: true }) + log.lines.join();
    expect(errors.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    for (const quoted of ['hunter2', 'someone', url.host, secret])
      expect(said).not.toContain(quoted);
  });
}
