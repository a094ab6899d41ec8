import { expect, test } from 'vitest';
import { figuresIn, toFigure, withFigures } from './figures.mjs';

const text = `Core is <!-- size:core -->2.9 kB<!-- /size --> and React
<!-- size:react -->0.4 kB<!-- /size -->; nothing else is marked, 1.0 kB say.`;

test('marked figures are found', () => {
  expect(figuresIn(text)).toEqual([
    { name: 'core', figure: '2.9 kB' },
    { name: 'react', figure: '0.4 kB' },
  ]);
});

test('writing changes marked figures that are known, and nothing else', () => {
  const written = withFigures(text, { core: '3.0 kB' });
  expect(written).toBe(text.replace('2.9 kB', '3.0 kB'));
  expect(withFigures(written, { core: '3.0 kB' })).toBe(written);
});

test('figures are kB of 1000 bytes, rounded to a tenth', () => {
  expect([2949, 2951, 432].map(toFigure)).toEqual(['2.9 kB', '3.0 kB', '0.4 kB']);
});
