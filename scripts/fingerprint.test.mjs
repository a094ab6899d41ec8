import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fingerprint } from './fingerprint.mjs';

let folder = '';
let before = '';
const path = (/** @type {string} */ name) => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fingerprint-'));
  mkdirSync(path('nested'));
  writeFileSync(path('a'), 'one');
  writeFileSync(path('nested/b'), 'two');
  before = fingerprint([folder]);
});
afterEach(() => rmSync(folder, { recursive: true }));

test('it is the same for the same names and contents, whatever the times', () => {
  utimesSync(path('a'), 0, 0);
  expect(fingerprint([folder])).toBe(before);
});

test.each([
  ['an edit', () => writeFileSync(path('nested/b'), 'three')],
  ['a new file', () => writeFileSync(path('nested/c'), '')],
  ['a lost file', () => rmSync(path('nested/b'))],
  ['a new name', () => renameSync(path('a'), path('c'))],
  [
    'contents that moved',
    () => {
      writeFileSync(path('a'), 'two');
      writeFileSync(path('nested/b'), 'one');
    },
  ],
])('it changes with %s', (_, change) => {
  change();
  expect(fingerprint([folder])).not.toBe(before);
});

test('what was built does not count, unless it is asked for', () => {
  mkdirSync(path('dist'));
  const built = fingerprint([path('dist')]);
  writeFileSync(path('dist/a'), '');
  expect(fingerprint([folder])).toBe(before);
  expect(fingerprint([path('dist')])).not.toBe(built);
});

test('what is not there counts as not there', () => {
  const absent = fingerprint([path('c')]);
  writeFileSync(path('c'), '');
  expect(fingerprint([path('c')])).not.toBe(absent);
});
