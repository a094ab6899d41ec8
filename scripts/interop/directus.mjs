import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { onPath } from '../command.mjs';
import { folderOf, install, isInstalled } from './installation.mjs';

/** What a test of Directus says where there is none, and how to get one. */
export const noDirectus =
  'no Directus found: install Node 20 or 22, with npm and a C++ compiler, and run npm run test:interop';

const dependencies = { directus: '12.4.0', sqlite3: '6.0.1' };

/** Where Directus is, and the Node that it was built for, if both are there. */
export function findDirectus() {
  const node = systemNode();
  if (!node) return undefined;
  const installation = installationFor(node);
  // Its own command asks the registry for a newer version at each start.
  const path = 'node_modules/@directus/api/dist/cli/run.js';
  const cli = join(folderOf(installation), path);
  return isInstalled(installation) && existsSync(cli) ? { node, cli } : undefined;
}

/** Installs Directus, if there is none; whether there is one now. */
export async function bringDirectus() {
  const node = systemNode();
  if (!node) return false;
  const path = `PATH=${dirname(node)}${delimiter}${process.env.PATH}`;
  // Its peer dependencies contradict one another.
  const options = ['--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel=error'];
  const scripts = ['argon2', 'isolated-vm', 'sqlite3'];
  const manifest = {
    private: true,
    dependencies,
    allowScripts: Object.fromEntries(scripts.map((name) => [name, true])),
  };
  return install(installationFor(node), [['env', path, 'npm', 'install', ...options]], {
    'package.json': JSON.stringify(manifest),
  });
}

/**
 * Parts of it are built for one Node.
 *
 * @param {string} node
 * @returns {import('./installation.mjs').Installation}
 */
function installationFor(node) {
  const abi = spawnSync(node, ['-p', 'process.versions.modules'], { encoding: 'utf8' }).stdout;
  const packages = Object.entries(dependencies).map(([name, version]) => `${name}@${version}`);
  return {
    name: 'directus',
    packages: [...packages, `Node's ABI ${abi.trim()}`],
    duration: 'three minutes',
  };
}

/** The machine's own Node: Directus does not run on the one that this repository brings. */
function systemNode() {
  return onPath('node').find((path) => !path.includes('node_modules') && existsSync(path));
}
