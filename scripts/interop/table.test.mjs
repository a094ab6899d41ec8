import { join } from 'node:path';
import { expect, test } from 'vitest';
import { interopFolder } from './services.mjs';
import { interopTable, outcomesOf } from './table.mjs';

/** @param {string} status @param {string[]} names */
const result = (status, ...names) => ({
  status,
  title: names.at(-1) ?? '',
  ancestorTitles: names.slice(0, -1),
  ...(names.at(-1) === 'ready' && { meta: { version: names[0] ?? '' } }),
});

/** @param {string} file @param {ReturnType<typeof result>[]} assertionResults */
const file = (file, ...assertionResults) => ({ name: join(interopFolder, file), assertionResults });

const outcomes = outcomesOf([
  {
    testResults: [
      file(
        'misbehaving.near.ts',
        result('passed', 'a ends in stage init where a server', 'at open', 'says null'),
        result('failed', 'a ends in stage init where a server', 'at open', 'says nothing'),
        result('passed', 'c ends in stage init where a server', 'at open', 'says null'),
        result('passed', 'no recipe is left out'),
      ),
      file(
        'a.near.ts',
        result('passed', '1.0', 'ready'),
        result('failed', '1.0', 'a bad token'),
        result('passed', '1.0', 'its own test'),
      ),
    ],
  },
  undefined,
  {
    testResults: [
      file(
        'b.far.ts',
        result('passed', '2.0', 'ready'),
        result('passed', '2.1', 'ready'),
        result('passed', '2.0', 'renewal'),
        // Its server did not start.
        result('skipped', '2.1', 'renewal'),
      ),
      file('c.far.ts', result('skipped', 'C: not run, no C found: install it')),
      file(
        'drop-in/a.near.ts',
        result('passed', 'a', "10 drops look as they do over the platform's own WebSocket"),
        result('failed', 'a', '3 tries that are refused look as they do there, if each is one'),
      ),
    ],
  },
]);

test('has a line for each service, and says below it why something did not run', () => {
  const entries = ['a', 'b', 'c', 'd'].map((id) => ({ id, name: id.toUpperCase() }));
  expect(interopTable(entries, outcomes).split('\n')).toEqual([
    '   version        ready  bad token  renewal  wrong servers  special',
    'A  1.0            pass   fail       –        1 of 2         1 of 1',
    'B  2.0, 2.1       pass   –          fail     –              –',
    'C  not run                                   1 of 1',
    'D  did not start',
    '',
    'C: not run: no C found: install it',
  ]);
});

test('libraries over the drop-in class have rows of their own', () => {
  const entries = [{ id: 'drop-in/a', name: 'a' }];
  expect(interopTable(entries, outcomes).split('\n')).toEqual([
    '   version        10 drops  refused tries',
    'a  did not start  pass      fail',
  ]);
});
