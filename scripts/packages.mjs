import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { report } from './check.mjs';
import { launch, load } from './packages/browser.mjs';
import { bundle } from './packages/bundle.mjs';
import { installCompilers, installConsumers } from './packages/consume.mjs';
import { checkContents } from './packages/contents.mjs';
import { pack } from './packages/pack.mjs';
import { follow } from './packages/quick-start.mjs';
import { checkTypes, columns } from './packages/types.mjs';

// The packages as users get them, from tarballs: `npm run test:packages [-- contents,starts,types,bundles]`.
const parts = { contents, starts, types, bundles };
const pages = ['vanilla', 'react', 'vue', 'svelte', 'no-bundler'];

const chosen = process.argv[2]?.split(',') ?? Object.keys(parts);
const unknown = chosen.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(`No part ${unknown.join(', ')}: there are ${Object.keys(parts).join(', ')}.`);
  process.exit(1);
}

const scratch = mkdtempSync(join(tmpdir(), 'two-stage-socket-packages-'));
// However it ends; what is installed there has some 500 MB.
process.once('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const built = (await build()).filter(({ ok }) => !ok);
report(built);
if (built.length > 0) process.exit(1);
const tarballs = pack(join(scratch, 'tarballs'));
const browser = await launch();
/** @type {import('./packages/consume.mjs').Installed[] | undefined} */
let consumers;

for (const [name, part] of Object.entries(parts)) if (chosen.includes(name)) await part();
await browser.close();

async function contents() {
  console.log('\nWhat the tarballs hold');
  const checks = tarballs.map(checkContents);
  report(checks);
  if (checks.some(({ ok }) => !ok)) process.exitCode = 1;
}

/** Seconds for the commands and the browser; the reader's own come on top. */
async function starts() {
  console.log('\nQuick starts, each from an empty folder, in seconds');
  row('', 'steps', 'all', 'of it npm', 'as built', 'each step');
  for (const page of pages) {
    try {
      const timing = await follow(page, tarballs, browser, scratch);
      const { steps, seconds, npmSeconds, buildSeconds } = timing;
      const each = steps.map((step) => step.seconds.toFixed(1)).join(' + ');
      const built = buildSeconds?.toFixed(1) ?? '-';
      row(page, String(steps.length), seconds.toFixed(1), npmSeconds.toFixed(1), built, each);
    } catch (error) {
      fail(`${page}: ${/** @type {Error} */ (error).message}`);
    }
  }
}

async function types() {
  console.log('\nTypes, by TypeScript and moduleResolution, with skipLibCheck off');
  const compilers = await installCompilers(scratch);
  row('', ...columns(compilers));
  for (const consumer of await installed()) {
    const { cells, wrong } = await checkTypes(consumer, compilers);
    row(consumer.name, ...cells);
    for (const line of wrong) fail(line);
  }
  console.log('  *: errors in the types of other packages, which are not ours');
}

async function bundles() {
  console.log('\nAll entries, bundled for browsers by default options, without frameworks');
  row('', 'esbuild', 'Vite', 'in Chromium');
  for (const consumer of await installed()) {
    try {
      const { cells, wrong, files } = await bundle(consumer);
      const errors = await load(browser, files);
      row(consumer.name, ...cells, errors.length === 0 ? 'loads' : 'FAILS');
      for (const line of [...wrong, ...errors]) fail(line);
    } catch (error) {
      fail(`${consumer.name}: ${/** @type {Error} */ (error).message}`);
    }
  }
}

async function installed() {
  consumers ??= await installConsumers(tarballs, scratch);
  return consumers;
}

/** @param {string[]} cells */
function row(...cells) {
  console.log(`  ${cells.map((cell) => cell.padEnd(13)).join('')}`.trimEnd());
}

/** @param {string} reason */
function fail(reason) {
  console.log(`  FAILED: ${reason.replaceAll('\n', '\n    ')}`);
  process.exitCode = 1;
}
