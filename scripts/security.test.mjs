import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './workspaces.mjs';

const tested = globSync('demo-server/src/**/*.{test,contract}.ts', { cwd: root }).flatMap(
  (file) => {
    const source = readFileSync(join(root, file), 'utf8');
    const rows = source.matchAll(/['"`](S\d+) /g);
    const name = basename(file, '.ts').replace(/\.test$/, '');
    return [...new Set([...rows].map(([, row]) => `${row} ${name}`))];
  },
);

const promised = [
  ...readFileSync(join(root, 'docs', 'security.md'), 'utf8').matchAll(/^\| (S\d+) .*$/gm),
];

test('every promise of the server has the tests that its row names, and no others', () => {
  const named = promised.flatMap(([line, row]) => {
    const cell = line.split('|').at(-2) ?? '';
    return [...cell.matchAll(/`([\w.-]+)`/g)].map(([, name]) => `${row} ${name}`);
  });
  expect(named.sort()).toEqual(tested.sort());
});

test('there are fourteen promises, in order', () => {
  const rows = Array.from({ length: 14 }, (_, n) => `S${n + 1}`);
  expect(promised.map(([, row]) => row)).toEqual(rows);
});
