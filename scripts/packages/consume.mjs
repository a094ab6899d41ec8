import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { consumers } from './consumers.mjs';
import { openTerminal } from './terminal.mjs';

/**
 * An app of `consumers`, installed.
 *
 * @typedef {import('./consumers.mjs').Consumer & { name: string, folder: string }} Installed
 */

/**
 * Installs each consumer in a folder of its own: the tarballs, and what its packages are for.
 *
 * @param {import('./pack.mjs').Tarball[]} tarballs
 * @param {string} scratch
 * @returns {Promise<Installed[]>}
 */
export async function installConsumers(tarballs, scratch) {
  const installed = [];
  for (const [name, consumer] of Object.entries(consumers)) {
    const folder = join(scratch, `consumer-${name}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    writeFileSync(join(folder, 'app.ts'), consumer.code);
    const files = tarballs.filter(
      ({ name: own }) => /\/core$/.test(own) || own.endsWith(`/${name}`),
    );
    const wanted = [...files.map(({ file }) => file), ...consumer.packages];
    const terminal = openTerminal(join(folder, '.terminal'), folder);
    await terminal.run(`npm install --ignore-scripts --prefer-offline ${wanted.join(' ')}`);
    installed.push({ ...consumer, name, folder });
  }
  return installed;
}

/**
 * Installs the compilers that types are checked with, each of them as `tsc`.
 *
 * @param {string} scratch
 * @returns {Promise<Record<string, string>>} where each is, by its version
 */
export async function installCompilers(scratch) {
  /** @type {Record<string, string>} */
  const compilers = {};
  for (const version of ['7', '6']) {
    const folder = join(scratch, `typescript-${version}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    const terminal = openTerminal(join(folder, '.terminal'), folder);
    await terminal.run(`npm install --prefer-offline typescript@${version}`);
    compilers[version] = join(folder, 'node_modules', '.bin', 'tsc');
  }
  return compilers;
}
