import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const notSource = new Set(['dist', 'node_modules']);

/**
 * One hash over the names and contents of files, and of all files in folders: times say little
 * after a `git checkout`. What is not there counts too.
 *
 * @param {string[]} paths
 */
export function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap(files)) {
    hash.update(`${path}\0`);
    hash.update(existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest() : '');
  }
  return hash.digest('hex');
}

/**
 * @param {string} path
 * @returns {string[]}
 */
function files(path) {
  if (!existsSync(path) || !statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => !notSource.has(name));
  return names.sort().flatMap((name) => files(join(path, name)));
}
