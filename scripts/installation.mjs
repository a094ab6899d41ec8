import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, workspaces } from './workspaces.mjs';

/** What a change of means another installation; scripts and exports, say, may change freely. */
const relevant = [
  'workspaces',
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
  'overrides',
  'allowScripts',
];

// In node_modules, so that it goes when they go: an installation that was interrupted has none.
const stampFile = (/** @type {string} */ folder) => join(folder, 'node_modules', '.installed');

/** Whether what is installed is what the lock file and the manifests ask for. */
export function isInstalled(folder = root) {
  const file = stampFile(folder);
  return existsSync(file) && readFileSync(file, 'utf8') === stamp(folder);
}

export function markInstalled(folder = root) {
  writeFileSync(stampFile(folder), stamp(folder));
}

/** @param {string} folder */
function stamp(folder) {
  const hash = createHash('sha256').update(readFileSync(join(folder, 'package-lock.json')));
  for (const { manifest, name } of workspaces(folder)) {
    hash.update(JSON.stringify([name, ...relevant.map((field) => manifest[field])]));
  }
  return hash.digest('hex');
}
