import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import { build } from './build.mjs';
import { runAlone } from './check.mjs';
import { figuresIn, toFigure, withFigures } from './figures.mjs';
import { publicPackages, root } from './workspaces.mjs';

/**
 * What importing something may cost in an app's production bundle.
 *
 * @typedef {object} Budget
 * @property {string} from the module
 * @property {string[]} [names] what is imported; all that is the module's own, if not said
 * @property {string[]} [without] the modules that an app has anyway: they do not count
 * @property {string} [onTopOf] the budget whose import an app has anyway
 * @property {number} limit in bytes, minified and gzipped
 */

/** @type {Record<string, Budget>} */
const budgets = JSON.parse(readFileSync(join(root, 'size-budget.json'), 'utf8'));

/** Measures what is built, and holds it to the budgets and the figures of the READMEs to it. */
export async function size() {
  /** @type {Record<string, string>} */
  const figures = {};
  const checks = [];
  for (const [name, budget] of Object.entries(budgets)) {
    try {
      const { gzip, brotli } = await measure(budget);
      figures[name] = toFigure(gzip);
      const row = [
        name.padEnd(15),
        `${gzip} B gzip`.padStart(13),
        `${brotli} B brotli`.padStart(16),
      ];
      checks.push({ name: `${row.join('')}, limit ${budget.limit}`, ok: gzip <= budget.limit });
    } catch (error) {
      checks.push({ name, ok: false, output: String(error) });
    }
  }
  return [...checks, ...unbudgeted(), ...readmes(figures)];
}

/** @param {Budget} budget */
async function measure({ onTopOf = '', ...budget }) {
  const base = budgets[onTopOf];
  const [all, below] = await Promise.all([
    compress(base ? [base, budget] : [budget]),
    base ? compress([base]) : { gzip: 0, brotli: 0 },
  ]);
  return { gzip: all.gzip - below.gzip, brotli: all.brotli - below.brotli };
}

/** @param {Budget[]} imports */
async function compress(imports) {
  const lines = imports.map(({ from, names }) => {
    return `export ${names ? `{ ${names.join(', ')} }` : '*'} from '${from}';`;
  });
  const { outputFiles } = await esbuild.build({
    stdin: { contents: lines.join('\n'), resolveDir: root },
    external: imports.flatMap(({ without = [] }) => without),
    plugins: [dropPassedOn],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  // An app's bundler drops the names that nothing uses of a module that is left out here; so does TypeScript.
  const [bundled] = outputFiles;
  const { code } = await esbuild.transform(bundled?.text ?? '', { loader: 'ts', minify: true });
  return { gzip: gzipSync(code, { level: 9 }).length, brotli: brotliCompressSync(code).length };
}

/**
 * An adapter passes core on with `export * from`. Where core is left out, esbuild has to make that
 * work at run time, with code that no app has: there, core is known, and the line costs nothing.
 *
 * @type {esbuild.Plugin}
 */
const dropPassedOn = {
  name: 'drop-passed-on',
  setup({ onLoad }) {
    onLoad({ filter: /dist.(index|store)\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/^export \* from .*$/gm, ''),
    }));
  },
};

/** What is exported and has no budget. */
function unbudgeted() {
  const budgeted = new Set(Object.values(budgets).map(({ from }) => from));
  return publicPackages()
    .flatMap(({ manifest }) =>
      Object.entries(manifest.exports)
        .filter(([, target]) => typeof target === 'object')
        .map(([path]) => manifest.name + path.slice(1)),
    )
    .filter((module) => !budgeted.has(module))
    .map((module) => ({ name: module, ok: false, output: 'It has no entry in size-budget.json.' }));
}

/** @param {Record<string, string>} figures */
function readmes(figures) {
  return globSync('{.,packages/*}/README.md', { cwd: root }).map((name) => {
    const file = join(root, name);
    const text = readFileSync(file, 'utf8');
    if (process.argv.includes('--write')) writeFileSync(file, withFigures(text, figures));
    const wrong = figuresIn(readFileSync(file, 'utf8'))
      .filter((told) => told.figure !== figures[told.name])
      .map((told) => `${told.name} is ${figures[told.name] ?? 'not measured'}, not ${told.figure}`);
    const output = `${wrong.join('; ')}. Run npm run size -- --write.`;
    return wrong.length === 0 ? { name, ok: true } : { name, ok: false, output };
  });
}

await runAlone(import.meta, async () => [...(await build()), ...(await size())]);
