import { expect, test } from 'vitest';
import { formatDuration } from './format.ts';

test.each([
  [0, '< 1 ms'],
  [0.9, '< 1 ms'],
  [1.4, '1 ms'],
  [999.4, '999 ms'],
  [999.6, '1.0 s'],
  [1049, '1.0 s'],
  [59_949, '59.9 s'],
  [59_980, '1 min 0 s'],
  [61_400, '1 min 1 s'],
  [119_600, '2 min 0 s'],
  [3_599_400, '59 min 59 s'],
  [3_599_600, '1 h 0 min'],
  [7_190_000, '2 h 0 min'],
  [90_000_000, '25 h 0 min'],
])('%f ms are %s: never more of a unit than there is', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
