import { expect, onTestFinished, test } from 'vitest';
import type { TokenStore } from '../tokens.ts';
import { type FakeEnvironment, fakeEnvironment } from './fake-environment.ts';

/** What the suite needs of a kind of store. */
export interface StoreUnderTest {
  /** Opens a store in a place; what it keeps is seen by the other stores of that place. */
  open(environment: FakeEnvironment, place: string): Promise<TokenStore>;
  /** Whether several stores can share a place, as the processes of a server do. */
  readonly isShared: boolean;
}

// Longer than any test takes: databases delete what is expired by a clock of their own.
const LIFE = 60_000;
const singleUse = { expiresIn: LIFE, reusable: false };
const reusable = { expiresIn: LIFE, reusable: true };

let places = 0;

/** A name that no other test, of this run or of another, uses. */
export function newPlace(): string {
  places += 1;
  return `two-stage-test-${process.pid}-${Date.now()}-${places}`;
}

/** What every store of tokens promises. */
export function testTokenStore({ open, isShared }: StoreUnderTest): void {
  async function start(count = 1): Promise<{
    environment: FakeEnvironment;
    tokens: TokenStore;
    stores: TokenStore[];
  }> {
    const environment = fakeEnvironment();
    const place = newPlace();
    const stores: TokenStore[] = [];
    for (let index = 0; index < count; index += 1) stores.push(await open(environment, place));
    onTestFinished(async () => {
      await stores[0]?.revoke();
      for (const store of stores) await store.close();
    });
    return { environment, stores, tokens: stores[0] as TokenStore };
  }

  test('a token is 256 bits of base64url, each another, with the time it expires', async () => {
    const { environment, tokens } = await start();
    const minted = await Promise.all(
      Array.from({ length: 20 }, () => tokens.mint('ada', singleUse)),
    );
    for (const { token, expiresAt } of minted) {
      expect(token).toMatch(/^[\w-]{43}$/);
      expect(expiresAt).toBe(environment.now() + LIFE);
    }
    expect(new Set(minted.map(({ token }) => token)).size).toBe(20);
  });

  test('S1 of 100 concurrent takes of a single-use token exactly one gets its user', async () => {
    const { tokens } = await start();
    for (let round = 0; round < 5; round += 1) {
      const { token } = await tokens.mint('ada', singleUse);
      const users = await Promise.all(Array.from({ length: 100 }, () => tokens.take(token)));
      expect(users.filter((user) => user === 'ada')).toHaveLength(1);
      expect(users.filter((user) => user === undefined)).toHaveLength(99);
      expect(await tokens.take(token)).toBeUndefined();
    }
  });

  test('a reusable token can be taken again, by many at once', async () => {
    const { tokens } = await start();
    const { token } = await tokens.mint('ada', reusable);
    const users = await Promise.all(Array.from({ length: 20 }, () => tokens.take(token)));
    expect(new Set(users)).toEqual(new Set(['ada']));
    expect(await tokens.take(token)).toBe('ada');
  });

  test.for([singleUse, reusable])(
    'S2 what is no token is nobody’s, and harmless: %o',
    async (policy) => {
      const { tokens } = await start();
      const { token } = await tokens.mint('ada', policy);
      const malformed: unknown[] = [
        '',
        'unknown',
        'A'.repeat(43),
        '__proto__',
        'constructor',
        '*',
        `${token}\0`,
        `\0${token}`,
        `${token}\n`,
        ` ${token}`,
        token.slice(1),
        `${token.slice(0, 42)}ä`,
        `${token.slice(0, 42)}\ud800`,
        'x'.repeat(1_000_000),
        '{"$gt":""}',
        { $gt: '' },
        { $ne: null },
        { $regex: '.*' },
        { $where: 'true' },
        { $in: [token] },
        { toString: () => token },
        [token],
        [[token]],
        [],
        /.*/,
        Buffer.from(token),
        new String(token),
        0,
        true,
        null,
        undefined,
        Symbol.iterator,
      ];
      for (const value of malformed) expect(await tokens.take(value as string)).toBeUndefined();
      expect(await tokens.take(token)).toBe('ada');
    },
  );

  test.for([singleUse, reusable])('S3 expiry is checked at use: %o', async (policy) => {
    const { environment, tokens } = await start();
    const early = await tokens.mint('ada', policy);
    const late = await tokens.mint('ada', policy);
    environment.advance(LIFE - 1);
    expect(await tokens.take(early.token)).toBe('ada');
    environment.advance(1);
    expect(await tokens.take(late.token)).toBeUndefined();
  });

  test('S3 use does not extend a token’s life', async () => {
    const { environment, tokens } = await start();
    const { token } = await tokens.mint('ada', reusable);
    for (let quarter = 0; quarter < 4; quarter += 1) {
      expect(await tokens.take(token)).toBe('ada');
      environment.advance(LIFE / 4);
    }
    expect(await tokens.take(token)).toBeUndefined();
  });

  test.for([singleUse, reusable])(
    'S3 an expired token stays expired when the clock is set back: %o',
    async (policy) => {
      const { environment, tokens } = await start();
      const { token } = await tokens.mint('ada', policy);
      environment.advance(LIFE);
      expect(await tokens.take(token)).toBeUndefined();
      environment.setWallClock(0);
      expect(await tokens.take(token)).toBeUndefined();
    },
  );

  test('S3 each token has a life of its own', async () => {
    const { environment, tokens } = await start();
    const long = await tokens.mint('ada', { ...singleUse, expiresIn: 2 * LIFE });
    const short = await tokens.mint('ada', singleUse);
    environment.advance(LIFE);
    expect(await tokens.take(short.token)).toBeUndefined();
    expect(await tokens.take(long.token)).toBe('ada');
  });

  test('revoking reaches one user’s tokens, or all', async () => {
    const { tokens } = await start();
    const ada = [await tokens.mint('ada', reusable), await tokens.mint('ada', singleUse)];
    const bob = [await tokens.mint('bob', reusable), await tokens.mint('bob', singleUse)];
    await tokens.revoke('ada');
    for (const { token } of ada) expect(await tokens.take(token)).toBeUndefined();
    for (const { token } of bob) expect(await tokens.take(token)).toBe('bob');
    const eve = await tokens.mint('eve', singleUse);
    await tokens.revoke();
    for (const { token } of [...bob, eve]) expect(await tokens.take(token)).toBeUndefined();
  });

  test('who was revoked gets good tokens again, which can be revoked again', async () => {
    const { environment, tokens } = await start();
    for (let round = 0; round < 3; round += 1) {
      const first = await tokens.mint('ada', reusable);
      environment.advance(LIFE / 2);
      const second = await tokens.mint('ada', reusable);
      expect(await tokens.take(first.token)).toBe('ada');
      await tokens.revoke('ada');
      expect(await tokens.take(first.token)).toBeUndefined();
      expect(await tokens.take(second.token)).toBeUndefined();
    }
  });

  test('revoking who has no tokens is nothing', async () => {
    const { tokens } = await start();
    await tokens.revoke('nobody');
    await tokens.revoke();
  });

  test('S2 a user’s name is a name, whatever is in it', async () => {
    const { tokens } = await start();
    const names = [
      '*',
      '',
      '$ne',
      '{"$ne":null}',
      '__proto__',
      'a:b',
      'tokens-of:*',
      'ä\0',
      'x\ny',
    ];
    for (const name of names) {
      const ada = await tokens.mint('ada', reusable);
      const odd = await tokens.mint(name, reusable);
      expect(await tokens.take(odd.token)).toBe(name);
      await tokens.revoke(name);
      expect(await tokens.take(odd.token)).toBeUndefined();
      expect(await tokens.take(ada.token)).toBe('ada');
    }
  });

  test('a store that is up says so, and closes more than once', async () => {
    const { tokens } = await start();
    await tokens.check();
    const place = await open(fakeEnvironment(), newPlace());
    await Promise.all([place.close(), place.close()]);
    await place.close();
  });

  if (!isShared) return;

  test('S1 of concurrent takes at two processes exactly one gets the user', async () => {
    const { stores, tokens } = await start(2);
    for (let round = 0; round < 5; round += 1) {
      const { token } = await tokens.mint('ada', singleUse);
      const takes = stores.flatMap((store) => Array.from({ length: 50 }, () => store.take(token)));
      const users = await Promise.all(takes);
      expect(users.filter((user) => user === 'ada')).toHaveLength(1);
      expect(users.filter((user) => user === undefined)).toHaveLength(99);
    }
  });

  test('a token of one process is good at another, and revoked there', async () => {
    const { stores } = await start(2);
    const [here, there] = stores as [TokenStore, TokenStore];
    const { token } = await here.mint('ada', reusable);
    expect(await there.take(token)).toBe('ada');
    await there.revoke('ada');
    expect(await here.take(token)).toBeUndefined();
  });
}
