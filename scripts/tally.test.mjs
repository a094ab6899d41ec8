import { expect, test } from 'vitest';
import { closingLine, sum, tallyOfChecks, tallyOfVitest } from './tally.mjs';

const file = (/** @type {string} */ status, /** @type {string[]} */ ...tests) => ({
  status,
  assertionResults: tests.map((status, index) => ({ status, fullName: `${status} ${index}` })),
});

test('every check counts as one', () => {
  const checks = [
    { name: 'a', ok: true },
    { name: 'b', ok: false },
    { name: 'c', ok: true },
  ];
  expect(tallyOfChecks(checks)).toEqual({ passed: 2, failed: 1, skipped: [] });
});

test('a stage that found nothing to check has failed', () => {
  expect(tallyOfChecks([])).toEqual({ passed: 0, failed: 1, skipped: [] });
});

test('every test counts as one, in whichever file it is', () => {
  const testResults = [file('passed', 'passed', 'passed'), file('failed', 'passed', 'failed')];
  expect(tallyOfVitest({ testResults }, 1)).toEqual({ passed: 3, failed: 1, skipped: [] });
});

test('what did not run is named, whatever the reason', () => {
  const testResults = [file('passed', 'passed', 'skipped', 'pending', 'todo')];
  expect(tallyOfVitest({ testResults }, 0)).toEqual({
    passed: 1,
    failed: 0,
    skipped: ['skipped 1', 'pending 2', 'todo 3'],
  });
});

test('a file that cannot be loaded has failed, although no test of it did', () => {
  const testResults = [file('passed', 'passed'), file('failed')];
  expect(tallyOfVitest({ testResults }, 1)).toEqual({ passed: 1, failed: 1, skipped: [] });
});

test('an error that nobody caught has failed the run, although all tests passed', () => {
  const testResults = [file('passed', 'passed')];
  expect(tallyOfVitest({ testResults }, 1)).toEqual({ passed: 1, failed: 1, skipped: [] });
});

test.each([1, 0, null])('a run that left no report has failed, with status %s', (status) => {
  expect(tallyOfVitest(undefined, status)).toEqual({ passed: 0, failed: 1, skipped: [] });
});

test('a run without a test has failed', () => {
  expect(tallyOfVitest({ testResults: [] }, 0)).toEqual({ passed: 0, failed: 1, skipped: [] });
});

test('the closing line speaks of skipped tests only when there are some', () => {
  const two = { passed: 2, failed: 0, skipped: [] };
  const three = { passed: 3, failed: 1, skipped: [] };
  const none = { passed: 0, failed: 0, skipped: ['a'] };
  expect(closingLine(sum([two, three]))).toBe('5 passed, 1 failed');
  expect(closingLine(sum([two, three, none]))).toBe('5 passed, 1 failed, 1 skipped');
});
