import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { folderOf, install, isInstalled } from './installation.mjs';

/** @typedef {import('./installation.mjs').Installation} Installation */

/** @type {Installation} */
const jupyter = {
  name: 'jupyter',
  packages: ['jupyter_server==2.21.0', 'ipykernel==7.4.0'],
  duration: 'a minute',
};

/** @type {Installation} */
const homeAssistant = {
  name: 'home-assistant',
  // Newer versions of Home Assistant need a newer Python; newer ones of josepy do not fit this one.
  packages: ['homeassistant==2024.3.3', 'josepy<2'],
  duration: 'two minutes',
};

/** What a test of Jupyter says where there is none, and how to get one. */
export const noJupyter = missing('Jupyter server', 'Python 3.10');
/** What a test of Home Assistant says where there is none, and how to get one. */
export const noHomeAssistant = missing('Home Assistant', 'Python 3.11 or 3.12');

/** The Python that has a Jupyter server, if there is one. */
export function findJupyter() {
  return findPython(jupyter);
}

/** Installs a Jupyter server with a kernel of Python, if there is none; whether there is one now. */
export function bringJupyter() {
  return bring(jupyter);
}

/** The Python that has Home Assistant, if there is one. */
export function findHomeAssistant() {
  return findPython(homeAssistant);
}

/** Installs Home Assistant, if there is none; whether there is one now. */
export function bringHomeAssistant() {
  return bring(homeAssistant);
}

/** @param {Installation} installation */
function findPython(installation) {
  const python = pythonOf(installation);
  return isInstalled(installation) && existsSync(python) ? python : undefined;
}

/** @param {Installation} installation */
function bring(installation) {
  return install(installation, [
    ['python3', '-m', 'venv', '.'],
    [pythonOf(installation), '-m', 'pip', 'install', '-q', ...installation.packages],
  ]);
}

/** @param {Installation} installation */
function pythonOf(installation) {
  return join(folderOf(installation), 'bin', 'python');
}

/**
 * @param {string} server
 * @param {string} python
 */
function missing(server, python) {
  return `no ${server} found: install ${python} with venv, and run npm run test:interop`;
}
