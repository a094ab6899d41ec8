import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { interopFolder, readResults, readServices } from './services.mjs';

const { services, documented, dropIns } = readServices();
const recipes = [...services, ...documented];
const ids = (/** @type {{ id: string }[]} */ entries) => entries.map(({ id }) => id).sort();
const read = (/** @type {string} */ file) => readFileSync(join(interopFolder, file), 'utf8');

/** @param {string[]} patterns */
const idsOf = (...patterns) =>
  globSync(patterns, { cwd: interopFolder })
    .map((file) => file.replace(/^recipes\//, '').replace(/(\.(near|far))?\.ts$/, ''))
    .sort();

test('every recipe is described, and every recipe described is there', () => {
  expect(ids(recipes)).toEqual(idsOf('recipes/*.ts'));
});

test('every test of a service or a library is described', () => {
  const common = ['misbehaving', 'drop-in/gateway'];
  expect([...ids([...recipes, ...dropIns]), ...common].sort()).toEqual(
    idsOf('{*,drop-in/*}.{near,far}.ts'),
  );
});

/** It resumes sessions, and so keeps what a session needs. */
const longer = 'discord';

test.each(ids(recipes))(
  'the function of the recipe %s has less than 25 lines of code, unless it is to be longer',
  (id) => {
    const text = read(`recipes/${id}.ts`);
    const exported = [...text.matchAll(/^export function [\s\S]*?^}$/gm)];
    expect(exported).toHaveLength(1);
    const lines = exported[0]?.[0].split('\n') ?? [];
    const code = lines.filter((line) => !/^\s*($|\/\/|\/\*|\*)/.test(line));
    if (id === longer) expect(code.length).toBeGreaterThanOrEqual(25);
    else expect(code.length).toBeLessThan(25);
  },
);

test.each(documented)('the fake of $name cites what the docs cite', ({ id, sources = {} }) => {
  const text = read(`documented/${id}.ts`);
  expect(Object.keys(sources).filter((source) => !text.includes(source))).toEqual([]);
  expect(Object.keys(sources)).not.toEqual([]);
});

test('what was seen was seen of the versions that are installed', () => {
  const { packages } = JSON.parse(read('package-lock.json'));
  const results = readResults();
  const libraries = dropIns.map(({ id, name }) => ({ id, npm: name }));
  const installed = [...services.filter(({ npm }) => npm), ...libraries].flatMap(({ id, npm }) =>
    results[id]?.version ? [[id, packages[`node_modules/${npm}`]?.version]] : [],
  );
  const seen = installed.map(([id]) => [id, results[id]?.version]);
  expect(seen).toEqual(installed);
  expect(seen).not.toEqual([]);
});
