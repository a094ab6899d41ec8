import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from './build.mjs';
import { report, run } from './check.mjs';
import { root } from './workspaces.mjs';

const ending = '.bench.mjs';
const all = globSync(`bench/*${ending}`, { cwd: root }).map((file) => basename(file, ending));
const chosen = process.argv.length > 2 ? process.argv.slice(2) : all.sort();

const unknown = chosen.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`No bench ${unknown.join(', ')}: there are ${all.sort().join(', ')}.`);
  process.exit(1);
}

report((await build()).filter(({ ok }) => !ok));

// One after the other, each in its own process: two at once would measure each other.
for (const name of chosen) {
  console.log(`\n${name}`);
  const status = await run(['node', join(root, 'bench', name + ending)], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
