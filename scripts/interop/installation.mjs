import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../check.mjs';
import { root } from '../workspaces.mjs';

/** Where what is brought for the interop tests is kept. */
export const cache = join(root, 'node_modules', '.cache', 'two-stage-socket', 'interop');

/**
 * A server that is installed in a folder of its own, once for each set of pinned versions.
 *
 * @typedef {object} Installation
 * @property {string} name
 * @property {readonly string[]} packages with their versions
 * @property {string} duration how long it takes, roughly
 */

/** @param {Installation} installation */
export function folderOf({ name }) {
  return join(cache, name);
}

// Beside the folder and written last: an installation that was interrupted has none.
const stampFile = (/** @type {Installation} */ installation) =>
  `${folderOf(installation)}.installed`;

/**
 * Whether it is there, whole, and of the versions that are asked for.
 *
 * @param {Installation} installation
 */
export function isInstalled(installation) {
  const file = stampFile(installation);
  return existsSync(file) && readFileSync(file, 'utf8') === installation.packages.join('\n');
}

/**
 * Installs it, unless it is there. What was said is heard only if that failed.
 *
 * @param {Installation} installation
 * @param {readonly string[][]} commands run in its folder, one after the other
 * @param {Readonly<Record<string, string>>} [files] what they find there, by name
 * @returns {Promise<boolean>} whether it is there now
 */
export async function install(installation, commands, files = {}) {
  if (isInstalled(installation)) return true;
  const { name, packages, duration } = installation;
  const folder = folderOf(installation);
  console.log(`Installing ${name} for the tests, which takes about ${duration} …`);
  rmSync(stampFile(installation), { force: true });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  for (const command of commands) {
    const failure = await runQuietly(command, folder);
    if (failure === undefined) continue;
    console.error(failure);
    return false;
  }
  writeFileSync(stampFile(installation), packages.join('\n'));
  return true;
}

/**
 * @param {string[]} command
 * @param {string} cwd
 * @returns {Promise<string | undefined>} the end of what it said, if it failed
 */
async function runQuietly(command, cwd) {
  let output = '';
  try {
    const status = await run(command, { cwd, stdio: ['ignore', 'pipe', 'pipe'] }, (text) => {
      output += text;
    });
    return status === 0 ? undefined : output.trim().split('\n').slice(-5).join('\n');
  } catch (error) {
    return `${command[0]} does not start: ${error instanceof Error ? error.message : error}`;
  }
}
