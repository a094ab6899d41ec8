import { expect, test, vi } from 'vitest';
import { atMost, every } from './environment.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';

test('every calls back at each interval until it is cancelled', () => {
  const environment = fakeEnvironment();
  const callback = vi.fn();
  const cancel = every(environment, 100, callback);
  environment.advance(99);
  expect(callback).toHaveBeenCalledTimes(0);
  environment.advance(201);
  expect(callback).toHaveBeenCalledTimes(3);
  cancel();
  environment.advance(1000);
  expect(callback).toHaveBeenCalledTimes(3);
  expect(environment.armed).toBe(0);
});

test('every goes on after a callback that threw, and can be cancelled by its callback', () => {
  const environment = fakeEnvironment();
  let calls = 0;
  const cancel = every(environment, 100, () => {
    calls += 1;
    if (calls === 1) throw new Error('once');
    cancel();
  });
  expect(() => environment.advance(100)).toThrow('once');
  environment.advance(500);
  expect(calls).toBe(2);
});

test('an interval of 0 is off', () => {
  const environment = fakeEnvironment();
  every(environment, 0, () => expect.unreachable())();
  expect(environment.armed).toBe(0);
});

test('atMost waits for the first of the two, and leaves no timer', async () => {
  const environment = fakeEnvironment();
  await atMost(environment, 1000, Promise.resolve());
  expect(environment.armed).toBe(0);
  const late = atMost(environment, 1000, new Promise(() => {}));
  environment.advance(1000);
  await late;
});
