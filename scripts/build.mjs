import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkByTool, runAlone } from './check.mjs';
import { fingerprint } from './fingerprint.mjs';
import { publicPackages, root } from './workspaces.mjs';

// With what npm installed, so that another installation builds everything anew.
const stamps = join(root, 'node_modules', '.built');

const tools = ['package-lock.json', 'scripts/build.mjs', 'tsconfig.base.json', 'tsup.config.ts'];

// The types of published files can be told from their syntax (`isolatedDeclarations`), so no
// package waits for another here; whether they are right is for `npm run types` to say.
const declarations = [
  ...['tsc', '-p', 'tsconfig.build.json', '--noEmit', 'false', '--emitDeclarationOnly'],
  ...['--declarationMap', '--noCheck', '--noResolve', '--rootDir', 'src', '--outDir', 'dist'],
];

/**
 * Something to build: by which commands, from what, in which folder's `dist`.
 *
 * @typedef {object} Target
 * @property {string} name
 * @property {string} folder
 * @property {string[]} sources
 * @property {string[][]} commands
 */

/** Builds the packages, then the page that is made of them; only what has changed. */
export async function build() {
  const packages = publicPackages().map(({ name, folder }) => ({
    name,
    folder,
    sources: [folder],
    commands: [['tsup', '--silent', '--config', join(root, 'tsup.config.ts')], declarations],
  }));
  const page = {
    name: 'demo page',
    folder: join(root, 'demo-server', 'page'),
    sources: [
      join(root, 'demo-server', 'page'),
      ...packages.map(({ folder }) => join(folder, 'dist')),
    ],
    commands: [['vite', 'build', '--logLevel', 'warn']],
  };
  const checks = await Promise.all(packages.map(update));
  const last = checks.every(({ ok }) => ok)
    ? await update(page)
    : { name: page.name, ok: false, output: 'It is made of the packages.' };
  return [...checks, last];
}

/**
 * Builds it unless it is there already, as its last build left it, from the sources as they are.
 *
 * @param {Target} target
 * @returns {Promise<import('./check.mjs').Check>}
 */
async function update({ name, folder, sources, commands }) {
  const dist = join(folder, 'dist');
  const stamp = join(stamps, name.replace(' ', '-'));
  const sourcePrint = fingerprint([...tools.map((tool) => join(root, tool)), ...sources]);
  const isFresh = () =>
    existsSync(stamp) && readFileSync(stamp, 'utf8') === sourcePrint + fingerprint([dist]);
  if (isFresh()) return { name, ok: true };

  rmSync(stamp, { force: true });
  rmSync(dist, { recursive: true, force: true });
  for (const command of commands) {
    const check = await checkByTool(name, command, folder);
    if (!check.ok) return check;
  }
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stamp, sourcePrint + fingerprint([dist]));
  return { name, ok: true };
}

await runAlone(import.meta, build);
