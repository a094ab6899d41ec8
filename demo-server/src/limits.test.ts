import { expect, onTestFinished, test, vi } from 'vitest';
import { createPlaces, rateLimiter, userRateLimiter } from './limits.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';

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
