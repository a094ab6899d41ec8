import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

const names = ['firefox-esr', 'firefox'];

/** Where macOS keeps what is not on its PATH. */
const bundle = '/Applications/Firefox.app/Contents/MacOS/firefox';

export const noFirefox =
  'no Firefox found: apt-get install firefox-esr, or set FIREFOX_PATH to yours';

/**
 * Where a Firefox that starts is: `FIREFOX_PATH`, or the machine's own. A `FIREFOX_PATH` that is
 * wrong is not papered over by another browser.
 *
 * @returns {string | undefined}
 */
export function findFirefox(env = process.env) {
  if (env.FIREFOX_PATH) return [env.FIREFOX_PATH].find(starts);
  const folders = ['/usr/bin', ...(env.PATH ?? '').split(delimiter)];
  const own = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...own, bundle].find(starts);
}

/** @param {string} path */
function starts(path) {
  return spawnSync(path, ['--version']).status === 0;
}
