import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * What a browser under test may not do: ask a display, a GPU or the network for anything of its
 * own. The sandbox goes because root, as in most containers, cannot have one.
 */
export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Where a Chromium that starts is: `CHROMIUM_PATH`, the machine's own, or Playwright's. A
 * `CHROMIUM_PATH` that is wrong is not papered over by another browser.
 *
 * @returns {Promise<string | undefined>}
 */
export async function findChromium(env = process.env) {
  if (env.CHROMIUM_PATH) return [env.CHROMIUM_PATH].find(starts);
  const folders = ['/usr/bin', ...(env.PATH ?? '').split(delimiter)];
  const own = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return own.find(starts) ?? [await playwrights()].find(starts);
}

async function playwrights() {
  // Loaded late: the rest of this module has to work before anything is installed.
  const { chromium } = await import('playwright');
  return chromium.executablePath();
}

/**
 * That a file is there says little: Ubuntu's `chromium-browser` only points to its snap, and one
 * that Playwright brought may lack libraries of the system.
 *
 * @param {string} path
 */
function starts(path) {
  return spawnSync(path, ['--version']).status === 0;
}
