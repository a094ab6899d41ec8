import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { svelteModule, vueModule } from '../docs/samples/components.mjs';
import { run } from './check.mjs';
import { asModule, samplesIn } from './samples.mjs';
import { root } from './workspaces.mjs';

const { resolve } = createRequire(join(root, 'docs', 'package.json'));

/** What is declared for all samples. */
const ambient = [
  join(root, 'docs', 'samples.d.ts'),
  resolve('svelte2tsx/svelte-shims-v4.d.ts'),
  join(dirname(resolve('svelte/package.json')), 'svelte-html.d.ts'),
];

/** What JavaScript does not mind: a value of another type than the checker makes out. */
const ofTypesAlone = /^TS(2322|2345|18046): /;

/** Where the samples are while they are checked. */
const folder = join(root, 'docs', '.samples');

/**
 * A sample, and the file that the type checker reads in its place.
 *
 * @typedef {object} Placed
 * @property {string} path
 * @property {string} file of the document
 * @property {(line: number) => number | undefined} lineOf the line of the document
 */

/**
 * What is wrong with the code in documents, with file and line.
 *
 * @param {string[]} files relative to the repository
 * @returns {Promise<{ problems: string[], count: number }>}
 */
export async function wrongSamples(files) {
  rmSync(folder, { recursive: true, force: true });
  /** @type {string[]} */
  const problems = [];
  const placed = files.flatMap((file) =>
    placeAll(samplesIn(file, readFileSync(join(root, file), 'utf8')), problems),
  );
  const [typed, untyped] = await Promise.all([
    check(
      'typed',
      placed.filter(({ path }) => /\.tsx?$/.test(path)),
      // As the sources are, which are read along.
      { strict: true, exactOptionalPropertyTypes: true },
    ),
    check(
      'untyped',
      placed.filter(({ path }) => /\.jsx?$/.test(path)),
      { strict: false },
    ),
  ]);
  if (placed.length === 0) problems.push('No sample was found.');
  return { problems: [...problems, ...typed, ...untyped], count: placed.length };
}

/**
 * @param {import('./samples.mjs').Sample[]} samples of one page
 * @param {string[]} problems
 */
function placeAll(samples, problems) {
  /** @type {Placed[]} */
  const placed = [];
  /** Where a sample with no name is, so that it can import those that have one. */
  let beside = '';
  samples.forEach((sample, index) => {
    const { file, line, exempt } = sample;
    if (exempt === '') problems.push(`${file}:${line}: no-check has to say why`);
    if (exempt !== undefined) return;
    try {
      const { code, extension, lineOf } = toModule(sample, samples.slice(0, index));
      const page = join(folder, file.replace(/\.md$/, ''));
      const name = sample.name ?? join(beside, `line-${line}.${sample.language}`);
      beside = dirname(name);
      const known = new Set(placed.map(({ path }) => path));
      const stem = name.replace(/\.(ts|tsx|js|mjs|jsx)$/, '');
      const wanted = join(page, `${stem}.${extension}`);
      const path = known.has(wanted) ? join(page, `line-${line}`, `${stem}.${extension}`) : wanted;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, code);
      placed.push({ path, file, lineOf });
    } catch (error) {
      problems.push(`${file}:${line}: ${/** @type {Error} */ (error).message}`);
    }
  });
  return placed;
}

/**
 * @param {import('./samples.mjs').Sample} sample
 * @param {import('./samples.mjs').Sample[]} before
 */
function toModule(sample, before) {
  const { language, line, code } = sample;
  if (language === 'vue' || language === 'svelte') {
    const make = language === 'vue' ? vueModule : svelteModule;
    const made = make(code, sample.name ?? `Sample.${language}`);
    /** @param {number} at */
    const lineOf = (at) => line - 1 + (made.lineOf(at) ?? 1);
    return { code: made.code, extension: made.isTyped ? 'ts' : 'js', lineOf };
  }
  const module = asModule(sample, before);
  /** @param {number} at */
  const lineOf = (at) => (at > module.offset ? line - 1 + at - module.offset : undefined);
  return { code: module.code, extension: module.language, lineOf };
}

/**
 * @param {string} name of the project
 * @param {Placed[]} placed
 * @param {Record<string, boolean>} options of the type checker
 * @returns {Promise<string[]>}
 */
async function check(name, placed, options) {
  if (placed.length === 0) return [];
  const project = join(folder, `${name}.json`);
  const config = {
    compilerOptions: {
      ...{ ...options, target: 'ES2022', module: 'ESNext', moduleResolution: 'bundler' },
      ...{
        customConditions: ['source'],
        allowImportingTsExtensions: true,
        verbatimModuleSyntax: true,
      },
      ...{ lib: ['ES2023', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable', 'ESNext.Disposable'] },
      ...{ types: ['node', 'vite/client'], jsx: 'react-jsx', allowJs: true, checkJs: true },
      ...{ skipLibCheck: true, noEmit: true },
    },
    files: [...ambient, ...placed.map(({ path }) => path)],
  };
  writeFileSync(project, JSON.stringify(config, null, 2));

  let output = '';
  const status = await run(
    ['tsc', '--pretty', 'false', '-p', project],
    { stdio: ['ignore', 'pipe', 'pipe'] },
    (text) => {
      output += text;
    },
  );
  return problemsIn(output, status, placed);
}

/**
 * What a run of the type checker says of samples. A run that failed and says nothing of them is a
 * problem too: it died, or the sources, which it reads along, are wrong.
 *
 * @param {string} output
 * @param {number | null} status its exit status, `null` if it died of a signal
 * @param {Placed[]} placed
 */
export function problemsIn(output, status, placed) {
  const byPath = new Map(placed.map((one) => [relative(root, one.path), one]));
  let isExplained = false;
  const problems = output.split(/\n(?=\S)/).flatMap((problem) => {
    const [, path = '', line, message] =
      problem.match(/^(.+?)\((\d+),\d+\): error ([\s\S]*)$/) ?? [];
    const sample = byPath.get(path);
    if (message === undefined || !sample) return problem.trim() ? [problem.trimEnd()] : [];
    isExplained = true;
    if (/\.jsx?$/.test(path) && ofTypesAlone.test(message)) return [];
    const at = sample.lineOf(Number(line));
    return [`${sample.file}${at ? `:${at}` : ''}: ${message.trimEnd()}`];
  });
  const isSettled = status === 0 || (status !== null && (isExplained || problems.length > 0));
  return isSettled
    ? problems
    : [...problems, `The type checker ended with ${status ?? 'a signal'}.`];
}
