import { install } from './matrix/install.mjs';
import { runContracts } from './matrix/run.mjs';
import { versions } from './matrix/versions.mjs';

// Holds the adapters to their contract with the oldest and the latest version of each framework that
// they are for: `npm run test:matrix [-- part of a name]`.
const [part = ''] = process.argv.slice(2);
const chosen = versions.filter(({ name }) => name.toLowerCase().includes(part.toLowerCase()));
if (chosen.length === 0) {
  console.error(`No version ${part}: there are ${versions.map(({ name }) => name).join('; ')}.`);
  process.exit(1);
}

const widths = [20, 10, 22, 22, 8];
const row = (/** @type {string[]} */ ...cells) =>
  console.log(cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(''));
const count = (/** @type {import('./matrix/run.mjs').Outcome} */ { passed, failures }) =>
  `${passed} passed, ${failures.length} failed`;

row('', 'version', 'in Chromium', 'on a server', 'time');
const failures = [];
for (const version of chosen) {
  const start = performance.now();
  const { folder, installed } = await install(version);
  const { page, server } = await runContracts(version, folder, installed);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  row(version.name, installed, count(page), count(server), `${seconds} s`);
  for (const failure of [...page.failures, ...server.failures]) {
    failures.push(`${version.name}: ${failure}`);
  }
}

for (const failure of failures) console.error(`\n${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
