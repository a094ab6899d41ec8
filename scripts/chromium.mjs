import { accessSync, constants, existsSync } from 'node:fs';
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
 * Where a Chromium is, or undefined: `CHROMIUM_PATH`, then the machine's own, then Playwright's.
 * A `CHROMIUM_PATH` that is wrong is not papered over by another browser.
 */
export async function findChromium(env = process.env) {
  if (env.CHROMIUM_PATH) return isExecutable(env.CHROMIUM_PATH) ? env.CHROMIUM_PATH : undefined;
  return findInPath(env) ?? (await findPlaywrights());
}

/** @param {NodeJS.ProcessEnv} env */
function findInPath(env) {
  const folders = new Set(['/usr/bin', ...(env.PATH ?? '').split(delimiter)]);
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (isExecutable(path)) return path;
    }
  }
  return undefined;
}

async function findPlaywrights() {
  // Loaded late: the rest of this module has to work before anything is installed.
  const { chromium } = await import('playwright');
  const path = chromium.executablePath();
  return existsSync(path) ? path : undefined;
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
