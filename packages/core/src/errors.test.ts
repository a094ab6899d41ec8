import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Failure, TwoStageError } from './errors.ts';

test.each<[Failure, string]>([
  [
    { stage: 'token', code: 'token-failed', status: 503 },
    'token-failed (stage token, HTTP 503): see @two-stage-socket/core/errors.md#token-failed',
  ],
  [
    { stage: 'init', code: 'forbidden', closeCode: 4403 },
    'forbidden (stage init, close code 4403): see @two-stage-socket/core/errors.md#forbidden',
  ],
  [
    { stage: 'ready', code: 'closed' },
    'closed (stage ready): see @two-stage-socket/core/errors.md#closed',
  ],
])('%j has a message that says where to read on', (failure, message) => {
  expect(new TwoStageError(failure, true).message).toBe(message);
});

test('an error carries its facts, and its cause where JSON does not see it', () => {
  const cause = { secret: 's3cr3t' };
  const facts = { stage: 'token', code: 'token-failed', status: 503, retryAfter: 5 } as const;
  const error = new TwoStageError({ ...facts, cause }, true);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'TwoStageError', ...facts, retryable: true });
  expect(error.cause).toBe(cause);
  expect(JSON.stringify(error) + String(error)).not.toContain('s3cr3t');
});

test('every code has its section in errors.md, and every section its code', () => {
  const source = readFileSync(new URL('./errors.ts', import.meta.url), 'utf8');
  const page = readFileSync(new URL('../errors.md', import.meta.url), 'utf8');
  const codes = [...source.matchAll(/^ {2}\| '([\w-]+)'/gm)].map(([, code]) => code);
  const sections = [...page.matchAll(/^## (.+)$/gm)].map(([, section]) => section);
  expect(codes.length).toBeGreaterThan(10);
  expect(sections.toSorted()).toEqual(codes.toSorted());
});
