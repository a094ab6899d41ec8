// May use only what Node 20 has: the set-up stands on it.
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

/**
 * Where a program may be, by the folders of `PATH`.
 *
 * @param {string} name
 */
export function onPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name));
}

/**
 * Whether a command succeeded. It is heard only if not, and then its first lines have the reason.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeout?: number }} [options] `timeout` in ms, ten minutes if not said
 */
export function run(command, args, options) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 10 * 60 * 1000,
    ...options,
    encoding: 'utf8',
  });
  if (status !== 0) console.error(`${stderr}${stdout}`.trim().split('\n', 5).join('\n'));
  return status === 0;
}
