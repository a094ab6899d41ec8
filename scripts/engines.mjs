import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { report, run } from './check.mjs';
import { engineTable } from './engine-table.mjs';

// Others can be chosen by name, such as ENGINES=firefox.
process.env.ENGINES ||= 'chromium,firefox,webkit';

const built = await build();
report(built);
if (!built.every(({ ok }) => ok)) process.exit(1);

const folder = mkdtempSync(join(tmpdir(), 'two-stage-socket-'));
const file = join(folder, 'report.json');
const args = ['--project', 'e2e', '--allowOnly=false', '--passWithNoTests=false'];
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
const specs = ['e2e/stages.e2e.ts', 'e2e/engines/'];
const command = ['vitest', 'run', ...args, ...reporters, ...specs];
const status = await run(command, { stdio: 'inherit' });
try {
  console.log(`\n${engineTable(JSON.parse(readFileSync(file, 'utf8')))}`);
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = status ?? 1;
