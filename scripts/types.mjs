import { globSync } from 'node:fs';
import { checkByTool, runAlone } from './check.mjs';
import { root } from './workspaces.mjs';

/** Examples with an installation of their own, which builds on files that their tools write. */
const others = /^examples\/(next|nuxt|sveltekit)$/;

/**
 * Every tsconfig there is. A package has two: one for all of its files, as an editor sees them, and
 * one for those that are published, which see neither Node's types nor the tests.
 */
export function types() {
  const projects = globSync('**/tsconfig{,.*}.json', {
    cwd: root,
    exclude: (path) =>
      /(^|\/)(node_modules|dist)$/.test(path) || others.test(path) || path === 'tsconfig.base.json',
  });
  return Promise.all(
    projects.sort().map((project) => checkByTool(project, ['tsc', '--noEmit', '-p', project])),
  );
}

await runAlone(import.meta, types);
