import { join } from 'node:path';
import { expect, test } from 'vitest';
import { problemsIn } from './docs-samples.mjs';
import { root } from './workspaces.mjs';

const placed = ['a.ts', 'b.js'].map((name) => ({
  path: join(root, name),
  file: 'page.md',
  lineOf: (/** @type {number} */ line) => (line > 1 ? line + 10 : undefined),
}));

test('errors of samples are told with the line of the document', () => {
  const output = 'a.ts(2,1): error TS1: No.\n  Not so.\na.ts(1,1): error TS2: Ahead.\n';
  expect(problemsIn(output, 1, placed)).toEqual([
    'page.md:12: TS1: No.\n  Not so.',
    'page.md: TS2: Ahead.',
  ]);
});

test('JavaScript is told nothing of types, and a run that fails by them alone has not failed', () => {
  const ofTypes = 'b.js(2,1): error TS2345: Another type.\n';
  expect(problemsIn(ofTypes, 1, placed)).toEqual([]);
  expect(problemsIn(`${ofTypes}b.js(3,1): error TS2304: No name.\n`, 1, placed)).toEqual([
    'page.md:13: TS2304: No name.',
  ]);
});

test('errors of other files, and of none, are told as they are', () => {
  const output = 'src/c.ts(2,1): error TS1: No.\nerror TS5023: Unknown.\n';
  expect(problemsIn(output, 1, placed)).toEqual([
    'src/c.ts(2,1): error TS1: No.',
    'error TS5023: Unknown.',
  ]);
});

test('a run that died is a problem, whatever it said before', () => {
  expect(problemsIn('', 0, placed)).toEqual([]);
  expect(problemsIn('', 1, placed)).toEqual(['The type checker ended with 1.']);
  expect(problemsIn('b.js(2,1): error TS2345: Types.\n', null, placed)).toEqual([
    'The type checker ended with a signal.',
  ]);
});
