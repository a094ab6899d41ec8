import { expect, test } from 'vitest';
import { engineTable } from './engine-table.mjs';

/** @param {string} status @param {string[]} names */
const result = (status, ...names) => ({
  status,
  title: names.at(-1) ?? '',
  ancestorTitles: names.slice(0, -1),
});

test('has a row for each test, and says below it why something did not run', () => {
  const assertionResults = [
    result('passed', 'Chromium', 'react', 'opens'),
    result('passed', 'Chromium', 'vue', 'opens'),
    result('passed', 'Chromium', 'react', 'goes offline'),
    result('passed', 'Chromium', 'sleep', 'is noticed'),
    result('passed', 'WebKit', 'react', 'opens'),
    result('failed', 'WebKit', 'vue', 'opens'),
    result('skipped', 'WebKit', 'react', 'goes offline (not possible: nobody knows how)'),
    result('passed', 'WebKit', 'here alone'),
    result('skipped', 'Firefox', 'not run: no Firefox found: get one (now)'),
  ];
  expect(engineTable({ testResults: [{ assertionResults }] }).split('\n')).toEqual([
    '                   Chromium  WebKit        Firefox',
    'opens              pass      fail          not run',
    'goes offline       pass      not possible  not run',
    'sleep, is noticed  pass      –             not run',
    'here alone         –         pass          not run',
    '',
    'WebKit: goes offline: not possible: nobody knows how',
    'Firefox: not run: no Firefox found: get one (now)',
  ]);
});
