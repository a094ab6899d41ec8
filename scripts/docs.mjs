import { join } from 'node:path';
import { staleServicesPage } from '../docs/.vitepress/services.mjs';
import { checkByTool, runAlone } from './check.mjs';
import { brokenLinksOfFiles, brokenLinksOfSite, markdownFiles } from './docs-links.mjs';
import { wrongSamples } from './docs-samples.mjs';
import { root } from './workspaces.mjs';

const site = join(root, 'docs', '.vitepress');

/** Builds the reference and the site, and checks the links and the samples of all documents. */
export async function docs() {
  const files = markdownFiles(root);
  const [built, samples] = await Promise.all([build(), wrongSamples(files)]);
  return [
    ...built,
    checkOf('docs/services.md', staleServicesPage()),
    checkOf('links between files', brokenLinksOfFiles(root, files)),
    checkOf(`${samples.count} samples`, samples.problems),
  ];
}

async function build() {
  const reference = await checkByTool('reference', ['node', join(site, 'generate.mjs')]);
  const pages = await checkByTool('site', ['vitepress', 'build', 'docs']);
  const links = pages.ok ? brokenLinksOfSite(join(site, 'dist')) : ['It was not built.'];
  return [reference, pages, checkOf('links of the site', links)];
}

/**
 * @param {string} name
 * @param {string[]} problems
 * @returns {import('./check.mjs').Check}
 */
function checkOf(name, problems) {
  return { name, ok: problems.length === 0, output: problems.join('\n') };
}

await runAlone(import.meta, docs);
