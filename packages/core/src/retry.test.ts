import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ErrorCode, TwoStageError } from './errors.ts';
import { toSettings } from './options.ts';
import { isRetryable, nextDelay, noHistory, record, retryDelay } from './retry.ts';

const { retry } = toSettings({ url: '/' });
const failure = (code: ErrorCode, facts: object = {}) =>
  ({ stage: 'init', code, ...facts }) as const;

describe('isRetryable', () => {
  const verdicts: [boolean, ErrorCode[]][] = [
    [false, ['forbidden', 'protocol-error', 'address-refused', 'websocket-missing']],
    [
      true,
      [
        'token-failed',
        'token-timeout',
        'token-suspect',
        'url-failed',
        'connect-failed',
        'connect-timeout',
        'init-failed',
        'init-timeout',
        'init-dropped',
        'server-busy',
        'connection-lost',
        'frame-invalid',
      ],
    ],
  ];
  test.each(verdicts)('is %s for %j, however often they came', (verdict, codes) => {
    const history = { tries: 9, rejections: 9, drops: 9 };
    for (const code of codes) expect(isRetryable(failure(code), history)).toBe(verdict);
  });

  test('is true for unauthorized once, and never where HTTP said it', () => {
    expect(isRetryable(failure('unauthorized'), noHistory)).toBe(true);
    expect(isRetryable(failure('unauthorized'), { ...noHistory, rejections: 1 })).toBe(false);
    expect(isRetryable(failure('unauthorized', { status: 401 }), noHistory)).toBe(false);
  });
});

test('record counts every try, and rejections and drops apart', () => {
  const codes: ErrorCode[] = ['connect-failed', 'unauthorized', 'init-dropped', 'init-dropped'];
  const history = codes.map((code) => failure(code)).reduce(record, noHistory);
  expect(history).toEqual({ tries: 4, rejections: 1, drops: 2 });
  expect(noHistory).toEqual({ tries: 0, rejections: 0, drops: 0 });
});

test('every delay is a time that can be waited, within the limits, whatever the options', () => {
  const amount = fc.oneof(
    fc.constantFrom(0, 1, 250, 1e9),
    fc.double({ min: 0, max: 1e9, noNaN: true }),
  );
  fc.assert(
    fc.property(
      fc.record({ initialDelay: amount, maxDelay: amount, factor: amount, minDelay: amount }),
      fc.constantFrom<ErrorCode>('connect-failed', 'init-dropped', 'server-busy'),
      fc.option(amount, { nil: undefined }),
      fc.nat(5000),
      fc.nat(5000),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (options, code, retryAfter, tries, drops, random) => {
        const facts = failure(code, { retryAfter });
        const delay = retryDelay(
          facts,
          { ...noHistory, tries, drops },
          { ...retry, ...options },
          random,
        );
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(Math.max(options.maxDelay, options.minDelay, 600_000));
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});

test.each([
  [{ initialDelay: 0 }, 250],
  [{ maxDelay: Number.POSITIVE_INFINITY }, 250],
])('a count of tries without end overflows into no nonsense with %j', (options, delay) => {
  const history = { ...noHistory, tries: 10_000 };
  expect(retryDelay(failure('connect-failed'), history, { ...retry, ...options }, 0)).toBe(delay);
});

describe('nextDelay', () => {
  const ask = (retryable: boolean, options: object, tries = 0) =>
    nextDelay(
      new TwoStageError(failure('connect-failed'), retryable),
      { ...noHistory, tries },
      { ...retry, ...options },
      0.5,
    );

  test.each<[string, boolean, object, number, number | undefined]>([
    ['the policy decides', true, {}, 0, 1000],
    ['a final failure is not tried again', false, {}, 0, undefined],
    ['decide overrules that', false, { decide: () => 5 }, 0, 5],
    ['decide may say at once', true, { decide: () => 0 }, 0, 0],
    ['decide may say no', true, { decide: () => false }, 0, undefined],
    ['the last but one try', true, { maxAttempts: 3 }, 1, 1500],
    ['the last try', true, { maxAttempts: 3 }, 2, undefined],
    ['no try at all is one', true, { maxAttempts: 0 }, 0, undefined],
  ])('%s', (_name, retryable, options, tries, delay) => {
    expect(ask(retryable, options, tries)).toBe(delay);
  });
});
