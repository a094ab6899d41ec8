import { expect, onTestFinished, test, vi } from 'vitest';
import { kindOf, reach, StoreUnavailable } from './store-unavailable.ts';

test('what is done in time is passed on', async () => {
  expect(await reach('Redis', 1000, async () => 'PONG')).toBe('PONG');
});

test('what takes too long is given up, and not heard of again', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let fail: (error: Error) => void = () => {};
  const operation = new Promise((_, reject) => {
    fail = reject;
  });
  const answer = reach('Redis', 1000, () => operation);
  const refusal = expect(answer).rejects.toThrow(new StoreUnavailable('Redis', 'TIMEOUT'));
  await vi.advanceTimersByTimeAsync(999);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  await refusal;
  fail(new Error('too late'));
  await vi.advanceTimersByTimeAsync(0);
});

test('what fails, at once or later, says how but not what about', async () => {
  const error = new Error('mongodb://someone:hunter2@db did not like token abc');
  const operations = [
    () => Promise.reject(error),
    () => {
      throw error;
    },
  ];
  for (const operation of operations) {
    const answer = reach('MongoDB', 1000, operation);
    await expect(answer).rejects.toThrow(new StoreUnavailable('MongoDB', 'Error'));
    await expect(answer).rejects.not.toHaveProperty('cause');
  }
});

test.for<[unknown, string]>([
  [
    Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }),
    'ECONNREFUSED',
  ],
  [
    Object.assign(new Error('not primary'), { code: 10107, codeName: 'NotWritablePrimary' }),
    'NotWritablePrimary',
  ],
  [new Error('WRONGPASS invalid username-password pair'), 'WRONGPASS'],
  [new TypeError('It said so'), 'TypeError'],
  [new StoreUnavailable('Redis', 'TIMEOUT'), 'TIMEOUT'],
  ['hunter2', 'string'],
  [undefined, 'undefined'],
])('the kind of %s is %s', ([error, kind]) => {
  expect(kindOf(error)).toBe(kind);
});
