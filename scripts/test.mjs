import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { checkByTool, report } from './check.mjs';
import { docs } from './docs.mjs';
import { exports } from './exports.mjs';
import { size } from './size.mjs';
import { closingLine, sum, tallyOfChecks, tallyOfVitest } from './tally.mjs';
import { types } from './types.mjs';
import { vitest } from './vitest.mjs';

// In the order of what a reader wants to know first; every one runs, whatever failed before it.
const stages = {
  types: () => checks(types),
  lint: () => checks(async () => [await checkByTool('biome', ['npm', 'run', '--silent', 'lint'])]),
  build: () => checks(build),
  unit: () => tests('node'),
  contract: () => tests('browser'),
  e2e: () => tests('e2e'),
  interop: () => tests('interop'),
  exports: () => checks(exports),
  size: () => checks(size),
  docs: () => checks(docs),
};

/** @param {() => Promise<import('./check.mjs').Check[]>} find */
async function checks(find) {
  const found = await find();
  report(found);
  return tallyOfChecks(found);
}

/** @param {string} project */
async function tests(project) {
  const { report, status } = await vitest(project);
  return tallyOfVitest(report, status);
}

/** @returns {[string, () => Promise<import('./tally.mjs').Tally>][]} */
function chosen() {
  const { values } = parseArgs({ options: { only: { type: 'string' } } });
  const all = Object.entries(stages);
  if (values.only === undefined) return all;
  const names = values.only.split(',');
  const unknown = names.filter((name) => !(name in stages));
  if (unknown.length === 0) return all.filter(([name]) => names.includes(name));
  console.error(`No stage ${unknown.join(', ')}: there are ${Object.keys(stages).join(', ')}.`);
  process.exit(1);
}

const tallies = [];
for (const [name, stage] of chosen()) {
  console.log(`\n${name}`);
  const start = performance.now();
  const tally = await stage().catch((error) => {
    console.error(error);
    return tallyOfChecks([{ name, ok: false }]);
  });
  tallies.push(tally);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${name}: ${closingLine(tally)} in ${seconds} s`);
}

const total = sum(tallies);
for (const name of total.skipped) console.log(`skipped: ${name}`);
console.log(`\n${closingLine(total)}`);
process.exitCode = total.failed === 0 ? 0 : 1;
