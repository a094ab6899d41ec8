import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './check.mjs';

/**
 * The parts of Vitest's JSON report that are read.
 *
 * @typedef {import('./tally.mjs').VitestReport & import('./engine-table.mjs').EngineReport & import('./interop/table.mjs').InteropReport} Report
 */

/**
 * Runs the tests of a project, shown as they run.
 *
 * @param {string} project
 * @param {string[]} [files] only these, by what their paths contain; all if there are none
 * @returns {Promise<{ report: Report | undefined, status: number | null }>} `report`: none if the
 * run died before it wrote one; `status`: its exit status, `null` if it died of a signal
 */
export async function vitest(project, files = []) {
  const folder = mkdtempSync(join(tmpdir(), 'two-stage-socket-'));
  const file = join(folder, 'report.json');
  // A test that was left alone with `.only` is no reason to forget the others.
  const args = ['--project', project, '--allowOnly=false', '--passWithNoTests=false'];
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  try {
    const command = ['vitest', 'run', ...args, ...reporters, ...files];
    const status = await run(command, { stdio: 'inherit' });
    return { report: readJson(file), status };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string} file */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
