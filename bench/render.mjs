/**
 * What hooks, composables and stores cost a page in Chromium when messages come fast, ours beside those
 * in use. README.md says how to read it. Usage: node render.mjs [A|A+|B|B=|T|C|D|hidden …] [--rounds n]
 */
import { parseArgs } from 'node:util';
import { findChromium } from '../scripts/chromium.mjs';
import { cases } from './render/cases.mjs';
import { prepare } from './render/measure.mjs';
import { createReport } from './render/report.mjs';
import { variants } from './render/variants.mjs';
import { describeMachine } from './server/machine.mjs';
import { shuffled } from './stats.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' } },
});
const rounds = Number(values.rounds);
if (!/^[1-9]\d*$/.test(values.rounds)) {
  fail(`--rounds is ${values.rounds}; expected a whole number above 0.`);
}
const names = positionals.length > 0 ? positionals : Object.keys(cases);
const unknown = names.filter((name) => !Object.hasOwn(cases, name));
if (unknown.length > 0) {
  fail(`No case ${unknown.join(', ')}: there are ${Object.keys(cases).join(', ')}.`);
}
const chromiumPath = await findChromium();
if (!chromiumPath) fail('No Chromium found: set CHROMIUM_PATH to one.');

const takingPart = (name) => variants.filter((variant) => variant.cases.includes(name));
const pages = variants.filter((variant) => variant.cases.some((name) => names.includes(name)));

console.log(describeMachine());
const bench = await prepare(
  chromiumPath,
  pages.map(({ page }) => page),
);
const report = createReport();
try {
  // Not counted: a browser that has just started is busy with itself.
  await bench.measure(pages[0], 'A', cases.A);
  for (const name of names) {
    // A variant and what it is compared with are measured close to each other: the machine changes.
    for (let round = 0; round < rounds; round++) {
      for (const variant of shuffled(takingPart(name))) {
        report.add(variant, name, round, await bench.measure(variant, name, cases[name]));
      }
    }
    console.log(`\n${name}: ${cases[name].title}\n\n${report.tell(name)}`);
  }
} finally {
  await bench.close();
}
console.log(`\n${report.sum()}`);

function fail(message) {
  console.error(message);
  process.exit(1);
}
