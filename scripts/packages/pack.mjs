import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { publicPackages, root } from '../workspaces.mjs';

/**
 * A package as it would be published.
 *
 * @typedef {object} Tarball
 * @property {string} name with its scope
 * @property {string} file
 * @property {string[]} paths of what it holds
 * @property {string} folder where it was made from
 */

/**
 * Packs what is published, from what is built.
 *
 * @param {string} folder where to
 * @returns {Tarball[]}
 */
export function pack(folder) {
  mkdirSync(folder, { recursive: true });
  const packages = publicPackages();
  const args = [
    'pack',
    '--json',
    '--pack-destination',
    folder,
    ...packages.map(({ folder }) => folder),
  ];
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm pack failed:\n${stderr}`);
  /** @type {{ name: string, filename: string, files: { path: string }[] }[]} */
  const packed = Object.values(JSON.parse(stdout));
  return packed.map(({ name, filename, files }) => ({
    name,
    file: join(folder, filename),
    paths: files.map(({ path }) => path),
    folder: packages.find(({ manifest }) => manifest.name === name)?.folder ?? '',
  }));
}
