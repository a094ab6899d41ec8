import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onPath, run } from '../command.mjs';
import { cache } from './installation.mjs';

/** What a test that cannot run without a server of Debian's says, and how to get one. */
export const noNats =
  'no nats-server found: apt-get install nats-server, or npm run test:interop where apt-get is';
export const noMosquitto =
  'no mosquitto found: apt-get install mosquitto, or npm run test:interop where apt-get is';

/** How long a command may take, in ms. */
const timeout = 5 * 60 * 1000;

/** Where a NATS server that starts is, if there is one: the machine's own, or Debian's. */
export function findNats() {
  return find('nats-server', '--version');
}

/** Where a mosquitto that starts is, if there is one: the machine's own, or Debian's. */
export function findMosquitto() {
  return find('mosquitto', '-h');
}

/** Brings Debian's NATS server, if there is none, as far as this machine allows. */
export function bringNats() {
  return findNats() ?? bring('nats-server', findNats);
}

/** Brings Debian's mosquitto, if there is none, as far as this machine allows. */
export function bringMosquitto() {
  return findMosquitto() ?? bring('mosquitto', findMosquitto);
}

/**
 * @param {string} name
 * @param {string} harmless an argument with which it says its version and ends
 */
function find(name, harmless) {
  // Where Debian installs what a user's PATH need not have.
  const own = [...onPath(name), join('/usr/sbin', name)];
  const starts = (/** @type {string} */ path) =>
    // mosquitto has no option that ends it with 0.
    /version|v\d/.test(spawnSync(path, [harmless], { encoding: 'utf8' }).stdout ?? '');
  return [...own, join(cache, name)].find(starts);
}

/**
 * Unpacks a package and what it needs into a folder of ours: installing it would start it as a
 * service of the system.
 *
 * @param {string} name
 * @param {() => string | undefined} findIt
 */
function bring(name, findIt) {
  if (spawnSync('apt-get', ['--version']).status !== 0) return undefined;
  console.log(`Bringing Debian's ${name} …`);
  const folder = join(cache, `${name}.debian`);
  const archives = join(folder, 'archives');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(archives, 'partial'), { recursive: true });
  // Fails for who is not root; the lists may do as they are.
  spawnSync('apt-get', ['update', '-qq'], { timeout });
  const options = ['-qq', '-y', '--no-install-recommends', '--download-only'];
  const own = ['-o', 'Debug::NoLocking=1', '-o', `Dir::Cache::archives=${archives}`];
  if (!run('apt-get', ['install', ...options, ...own, name], { timeout })) return undefined;
  for (const file of readdirSync(archives).filter((file) => file.endsWith('.deb'))) {
    if (!run('dpkg-deb', ['-x', join(archives, file), folder], { timeout })) return undefined;
  }
  const lines = [
    '#!/bin/sh',
    `for libraries in '${folder}'/usr/lib/*-linux-* '${folder}'/lib/*-linux-*; do`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's.
    '  LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"',
    'done',
    'export LD_LIBRARY_PATH',
    `exec '${folder}/usr/sbin/${name}' "$@"`,
  ];
  writeFileSync(join(cache, name), `${lines.join('\n')}\n`, { mode: 0o755 });
  return findIt();
}
