import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkByTool } from '../check.mjs';
import { root } from '../workspaces.mjs';

const cache = join(root, 'node_modules', '.cache', 'two-stage-socket', 'matrix');

/**
 * Installs a version in a folder of its own, which is kept for the next run. Npm is asked each time: it
 * says within a second that nothing is missing, and `latest` may be another by then.
 *
 * @param {import('./versions.mjs').Version} version
 * @returns {Promise<{ folder: string, installed: string }>} and which version it is, to the digit
 */
export async function install({ name, framework, packages }) {
  const folder = join(cache, name.toLowerCase().replace(/\W+/g, '-'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }));
  const specs = Object.entries(packages).map(([name, version]) => `${name}@${version}`);
  const args = ['--no-audit', '--no-fund', '--loglevel=error', '--no-save', '--no-package-lock'];
  const check = await checkByTool(name, ['npm', 'install', ...args, ...specs], folder);
  if (!check.ok) throw new Error(check.output);
  const manifest = join(folder, 'node_modules', framework, 'package.json');
  return { folder, installed: JSON.parse(readFileSync(manifest, 'utf8')).version };
}
