import { globSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readServices, writeResults } from './interop/services.mjs';
import { setUp } from './interop/set-ups.mjs';
import { interopTable, outcomesOf } from './interop/table.mjs';
import { closingLine, sum, tallyOfVitest } from './tally.mjs';
import { vitest } from './vitest.mjs';
import { root } from './workspaces.mjs';

// Holds the recipes and the drop-in class to real servers, those of other toolchains too, as far as
// those are there: `npm run test:interop [-- parts of names]`. With `--write`, what was seen goes into
// e2e/interop/results.json.

const { values, positionals: parts } = parseArgs({
  options: { write: { type: 'boolean' } },
  allowPositionals: true,
});

const { services, documented, dropIns } = readServices();
const chosen = [services, documented, dropIns].map((entries) =>
  entries.filter(({ id }) => parts.length === 0 || parts.some((part) => id.includes(part))),
);
const ids = chosen.flat().map(({ id }) => id);
const unknown = parts.filter((part) => !ids.some((id) => id.includes(part)));
if (unknown.length) {
  const all = [services, documented, dropIns].flat().map(({ id }) => id);
  console.error(`No service ${unknown.join(', ')}: there are ${all.join(', ')}.`);
  process.exit(1);
}

/** Those of the services that were chosen, and those that are about all of them. */
const filesOf = (/** @type {string} */ kind) =>
  globSync(`e2e/interop/{*,drop-in/*}.${kind}.ts`, { cwd: root }).filter((file) => {
    const id = file.slice('e2e/interop/'.length, -`.${kind}.ts`.length);
    const isCommon = ![services, documented, dropIns].flat().some((entry) => entry.id === id);
    return isCommon || ids.includes(id);
  });

const far = filesOf('far');
await setUp(far);
const runs = [];
for (const [project, files] of Object.entries({ interop: filesOf('near'), 'interop-far': far })) {
  if (files.length) runs.push(await vitest(project, files));
}

const outcomes = outcomesOf(runs.map(({ report }) => report));
for (const entries of chosen) {
  if (entries.length) console.log(`\n${interopTable(entries, outcomes)}`);
}
if (values.write) writeResults(ids, outcomes);

const total = sum(runs.map(({ report, status }) => tallyOfVitest(report, status)));
console.log(`\n${closingLine(total)}`);
process.exitCode = total.failed === 0 ? 0 : 1;
