import { expect, test } from 'vitest';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { memoryTokens } from './tokens.ts';

const singleUse = { expiresIn: 1000, reusable: false };
const reusable = { expiresIn: 1000, reusable: true };

test('a token is 256 bits of base64url, each another, with the time it expires', async () => {
  const environment = fakeEnvironment();
  const tokens = memoryTokens(environment);
  const first = await tokens.mint('ada', singleUse);
  const second = await tokens.mint('ada', singleUse);
  expect(first.token).toMatch(/^[\w-]{43}$/);
  expect(second.token).not.toBe(first.token);
  expect(first.expiresAt).toBe(environment.now() + 1000);
});

test('S1 of concurrent takes of a single-use token exactly one gets its user', async () => {
  const tokens = memoryTokens(fakeEnvironment());
  const { token } = await tokens.mint('ada', singleUse);
  const users = await Promise.all(Array.from({ length: 100 }, () => tokens.take(token)));
  expect(users.filter((user) => user === 'ada')).toHaveLength(1);
  expect(users.filter((user) => user === undefined)).toHaveLength(99);
});

test('a reusable token can be taken again', async () => {
  const tokens = memoryTokens(fakeEnvironment());
  const { token } = await tokens.mint('ada', reusable);
  expect(await tokens.take(token)).toBe('ada');
  expect(await tokens.take(token)).toBe('ada');
});

test.each([singleUse, reusable])('S3 expiry is checked at use: %o', async (policy) => {
  const environment = fakeEnvironment();
  const tokens = memoryTokens(environment);
  const early = await tokens.mint('ada', policy);
  const late = await tokens.mint('ada', policy);
  environment.advance(999);
  expect(await tokens.take(early.token)).toBe('ada');
  environment.advance(1);
  expect(await tokens.take(late.token)).toBeUndefined();
});

test('an expired token stays expired when the clock is set back', async () => {
  const environment = fakeEnvironment();
  const tokens = memoryTokens(environment);
  const { token } = await tokens.mint('ada', reusable);
  environment.advance(1000);
  expect(await tokens.take(token)).toBeUndefined();
  environment.setWallClock(0);
  expect(await tokens.take(token)).toBeUndefined();
});

test('unknown tokens, and names of an object’s members, are nobody’s', async () => {
  const tokens = memoryTokens(fakeEnvironment());
  for (const token of ['', 'unknown', '__proto__', 'constructor']) {
    expect(await tokens.take(token)).toBeUndefined();
  }
});

test('revoking reaches one user’s tokens, or all', async () => {
  const tokens = memoryTokens(fakeEnvironment());
  const [ada, bob] = [await tokens.mint('ada', reusable), await tokens.mint('bob', reusable)];
  await tokens.revoke('ada');
  expect(await tokens.take(ada.token)).toBeUndefined();
  expect(await tokens.take(bob.token)).toBe('bob');
  await tokens.revoke();
  expect(await tokens.take(bob.token)).toBeUndefined();
});
