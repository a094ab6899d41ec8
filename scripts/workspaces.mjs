import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The packages that npm installs together, that of the folder first. */
export function workspaces(folder = root) {
  const top = workspace(folder);
  const { workspaces: patterns = [] } = top.manifest;
  const folders = patterns.flatMap((/** @type {string} */ pattern) =>
    pattern.endsWith('/*') ? subfolders(join(folder, pattern.slice(0, -2))) : join(folder, pattern),
  );
  return [top, ...folders.filter(hasManifest).map(workspace)];
}

/** The packages that are published. */
export function publicPackages() {
  return workspaces().filter(({ manifest }) => !manifest.private);
}

/** @param {string} folder */
function workspace(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return { folder, manifest, name: manifest.name.replace('@two-stage-socket/', '') };
}

/** @param {string} folder */
function subfolders(folder) {
  return readdirSync(folder).map((name) => join(folder, name));
}

/** @param {string} folder */
function hasManifest(folder) {
  return existsSync(join(folder, 'package.json'));
}
