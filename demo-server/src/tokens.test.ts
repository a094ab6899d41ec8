import { describe, expect, test } from 'vitest';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { testTokenStore } from './testing/token-store.contract.ts';
import { memoryTokens, tokenKey } from './tokens.ts';

describe('in memory', () => {
  testTokenStore({ open: async (environment) => memoryTokens(environment), isShared: false });
});

test('a token is known by its SHA-256', () => {
  // By `openssl dgst -sha256`.
  expect(tokenKey('A'.repeat(43))).toBe('DwBzhbb51LfusnSGBa_hqYSgo7-j8BTQnip4TOnlzRo');
});

test('a token expires in time, though one that lives longer was minted before', async () => {
  const environment = fakeEnvironment();
  const tokens = memoryTokens(environment);
  await tokens.mint('ada', { expiresIn: 10_000, reusable: false });
  const { token } = await tokens.mint('ada', { expiresIn: 1000, reusable: true });
  environment.advance(1000);
  await tokens.mint('ada', { expiresIn: 1000, reusable: false });
  expect(await tokens.take(token)).toBeUndefined();
});
