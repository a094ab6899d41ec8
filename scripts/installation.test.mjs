import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isInstalled, markInstalled } from './installation.mjs';
import { root } from './workspaces.mjs';

let folder = '';
const write = (/** @type {string} */ name, /** @type {object} */ content) =>
  writeFileSync(join(folder, name), JSON.stringify(content));

const top = { name: 'top', workspaces: ['packages/*'], devDependencies: { vitest: '^5' } };
const nested = { name: 'nested', scripts: {}, dependencies: { ws: '^8' } };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'installation-'));
  mkdirSync(join(folder, 'node_modules'));
  mkdirSync(join(folder, 'packages/nested'), { recursive: true });
  write('package.json', top);
  write('packages/nested/package.json', nested);
  write('package-lock.json', { version: 1 });
  markInstalled(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

test('what was marked is installed', () => {
  expect(isInstalled(folder)).toBe(true);
});

test.each([
  ['another lock file', () => write('package-lock.json', { version: 2 })],
  ['another dependency of the root', () => write('package.json', { ...top, devDependencies: {} })],
  [
    'another dependency of a workspace',
    () => write('packages/nested/package.json', { ...nested, dependencies: {} }),
  ],
  ['no node_modules', () => rmSync(join(folder, 'node_modules'), { recursive: true })],
])('%s asks for an installation', (_, change) => {
  change();
  expect(isInstalled(folder)).toBe(false);
});

test('a package without workspaces is installed by itself', () => {
  write('package.json', { name: 'alone' });
  expect(isInstalled(folder)).toBe(false);
  markInstalled(folder);
  expect(isInstalled(folder)).toBe(true);
});

test('another script does not', () => {
  write('packages/nested/package.json', { ...nested, scripts: { a: 'b' } });
  expect(isInstalled(folder)).toBe(true);
});

// npm forgets other platforms' packages when it writes a lock file where it cannot see them, and
// then `npm ci` refuses that lock file everywhere.
test.each(['', 'e2e/interop'])(
  'the lock file of ./%s names the packages of every platform',
  (own) => {
    const lock = JSON.parse(readFileSync(join(root, own, 'package-lock.json'), 'utf8'));
    const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) =>
          !(`${path}/node_modules/${name}` in lock.packages) &&
          !(`node_modules/${name}` in lock.packages),
      ),
    );
    expect(missing).toEqual([]);
  },
);
