import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

export const noWebKit =
  'no WebKit found: apt-get install webkit2gtk-driver xvfb, or set WEBKIT_DRIVER_PATH to your WebKitWebDriver';

/**
 * Where a WebKitWebDriver that starts is: `WEBKIT_DRIVER_PATH`, or the machine's own. It knows where
 * its browser is, and that needs a display: without an Xvfb to give it one there is no WebKit.
 *
 * @returns {string | undefined}
 */
export function findWebKitDriver(env = process.env) {
  if (spawnSync('Xvfb', ['-help']).error) return undefined;
  if (env.WEBKIT_DRIVER_PATH) return [env.WEBKIT_DRIVER_PATH].find(starts);
  const folders = ['/usr/bin', ...(env.PATH ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, 'WebKitWebDriver')).find(starts);
}

/** @param {string} path */
function starts(path) {
  return spawnSync(path, ['--help']).error === undefined;
}
