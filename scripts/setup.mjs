// Runs before `npm start` and `npm test`, when there may be nothing but git, npm and Node 20: it
// may use only what Node 20 has, and modules of this folder that keep to the same.
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { findChromium } from './chromium.mjs';
import { findFirefox, noFirefox } from './firefox.mjs';
import { isInstalled, markInstalled } from './installation.mjs';
import { bringServices, requireRedis } from './services.mjs';
import { findWebKitDriver, noWebKit } from './webkit.mjs';
import { root } from './workspaces.mjs';

const bin = join(root, 'node_modules', '.bin');
/** Has an installation of its own: nobody who only starts the demo needs its hundreds of packages. */
const interop = join(root, 'e2e', 'interop');
const ci = ['ci', '--loglevel=error', '--no-audit', '--no-fund'];

requireNode();
if (!isInstalled()) install();
if (process.argv.includes('--browser')) await requireChromium();
if (process.argv.includes('--engines')) bringEngines();
if (process.argv.includes('--interop') && !isInstalled(interop)) installInterop();
if (process.argv.includes('--services')) await bringServices();
if (process.argv.includes('--redis')) requireRedis();

function requireNode() {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 20) giveUp(`This is Node ${process.versions.node}: install Node 20 or newer.`);
}

function install() {
  console.log('Installing what is missing; the first time this takes about a minute …');
  // Not with the Node that is in node_modules: npm is about to take it away.
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== bin);
  if (!run('npm', ci, { env: { PATH: path.join(delimiter) } })) {
    giveUp('npm ci failed, as npm says above; if package.json was edited, run npm install first.');
  }
  if (!run(join(bin, 'node'), ['--version'])) {
    giveUp('Node 24 was not installed: run npm rebuild node esbuild --ignore-scripts=false.');
  }
  markInstalled();
}

function installInterop() {
  console.log('Installing servers of others to test against; the first time takes half a minute …');
  const PATH = [bin, process.env.PATH].join(delimiter);
  // Some have scripts that compile what they can do without, or that say thanks.
  if (!run('npm', [...ci, '--ignore-scripts'], { env: { PATH }, cwd: interop })) {
    const remedy = 'if its package.json was edited, run npm install --ignore-scripts there first.';
    giveUp(`npm ci failed in e2e/interop, as npm says above; ${remedy}`);
  }
  markInstalled(interop);
}

async function requireChromium() {
  if (await findChromium()) return;
  const { CHROMIUM_PATH } = process.env;
  if (CHROMIUM_PATH) giveUp(`CHROMIUM_PATH is ${CHROMIUM_PATH}, which does not start: correct it.`);

  console.log('No Chromium to test in: letting Playwright bring one …');
  run(join(bin, 'playwright'), ['install', '--no-shell', 'chromium']);
  if (await findChromium()) return;

  if (process.getuid?.() === 0) {
    console.log('Playwright could not: installing the chromium package of the system …');
    installPackages('chromium');
    if (await findChromium()) return;
  }
  giveUp('No Chromium: install one (apt-get install chromium), or set CHROMIUM_PATH to yours.');
}

/** Brings the other engines, as far as this machine allows; the tests name those that there are not. */
function bringEngines() {
  /** @type {[() => string | undefined, string, string[], string][]} */
  const engines = [
    [findFirefox, 'FIREFOX_PATH', ['firefox-esr'], noFirefox],
    [findWebKitDriver, 'WEBKIT_DRIVER_PATH', ['webkit2gtk-driver', 'xvfb'], noWebKit],
  ];
  for (const [find, variable, packages, missing] of engines) {
    if (find()) continue;
    const path = process.env[variable];
    if (path) giveUp(`${variable} is ${path}, which does not start: correct it.`);
    if (process.getuid?.() === 0) {
      console.log(`Installing ${packages.join(' and ')} to test in …`);
      installPackages(...packages);
    }
    if (!find()) console.log(missing);
  }
}

/** @param {string[]} names */
function installPackages(...names) {
  run('apt-get', ['update', '-qq']);
  run('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...names], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/**
 * Whether a command succeeded. It is heard only if not, and then its first lines have the reason.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, cwd?: string }} [options]
 */
function run(command, args, { env, cwd = root } = {}) {
  const { status, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0 && stderr) console.error(stderr.trim().split('\n', 5).join('\n'));
  return status === 0;
}

/**
 * @param {string} message
 * @returns {never}
 */
function giveUp(message) {
  console.error(message);
  process.exit(1);
}
