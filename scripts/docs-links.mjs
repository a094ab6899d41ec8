import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { anchorsIn, linksIn, partsOf } from './links.mjs';

const isElsewhere = (/** @type {string} */ href) => /^([a-z][a-z+.-]*:|\/\/)/i.test(href);

/**
 * What is wrong with the links of Markdown files to files of the repository, as GitHub shows them.
 * Links that begin with `/` are those of the site: see `brokenLinksOfSite`.
 *
 * @param {string} folder the repository
 * @param {string[]} files relative to it
 */
export function brokenLinksOfFiles(folder, files) {
  return files.flatMap((file) => {
    const broken = linksIn(readFileSync(join(folder, file), 'utf8')).flatMap(({ href, line }) => {
      if (isElsewhere(href) || href.startsWith('/')) return [];
      const [path = '', hash] = href.split('#');
      const target = path === '' ? join(folder, file) : join(folder, dirname(file), path);
      const why = wrongWithFile(target, hash);
      return why ? [`${file}:${line}: ${href}: ${why}`] : [];
    });
    return broken;
  });
}

/**
 * @param {string} target
 * @param {string | undefined} hash
 */
function wrongWithFile(target, hash) {
  if (!existsSync(target)) return 'there is no such file';
  if (hash === undefined) return undefined;
  const page = statSync(target).isDirectory() ? join(target, 'README.md') : target;
  if (!page.endsWith('.md') || !existsSync(page)) return 'only Markdown files have anchors';
  const text = readFileSync(page, 'utf8');
  return anchorsIn(text).has(decodeURIComponent(hash)) ? undefined : 'there is no such heading';
}

/**
 * What is wrong with the links of the pages of a site, and what they load from elsewhere.
 *
 * @param {string} folder where it was built
 */
export function brokenLinksOfSite(folder) {
  const files = globSync('**/*.html', { cwd: folder });
  const pages = new Map(
    files.map((file) => [addressOf(file), partsOf(readFileSync(join(folder, file), 'utf8'))]),
  );
  const broken = [...pages].flatMap(([address, { links, files }]) => [
    ...links.flatMap((href) => {
      if (isElsewhere(href)) return [];
      const why = wrongWithPage(folder, pages, new URL(href, `site:${address}`));
      return why ? [`${address}: ${href}: ${why}`] : [];
    }),
    ...files.flatMap((href) => {
      if (href.startsWith('data:')) return [];
      if (isElsewhere(href)) return [`${address}: ${href}: is loaded from elsewhere`];
      const { pathname } = new URL(href, `site:${address}`);
      return existsSync(join(folder, pathname))
        ? []
        : [`${address}: ${href}: there is no such file`];
    }),
  ]);
  return [...new Set(broken)];
}

/** @param {string} file */
function addressOf(file) {
  return `/${file.replace(/(^|\/)index\.html$/, '$1').replace(/\.html$/, '')}`;
}

/**
 * @param {string} folder
 * @param {Map<string, ReturnType<typeof partsOf>>} pages
 * @param {URL} url
 */
function wrongWithPage(folder, pages, { pathname, hash }) {
  const page = pages.get(pathname.replace(/\.html$/, '')) ?? pages.get(`${pathname}/`);
  if (!page) {
    const file = join(folder, pathname);
    const isFile = existsSync(file) && statSync(file).isFile();
    return isFile ? undefined : 'there is no such page';
  }
  if (hash === '' || page.anchors.has(decodeURIComponent(hash.slice(1)))) return undefined;
  return 'there is no such heading';
}

/**
 * The Markdown files of the repository that are not generated.
 *
 * @param {string} folder
 */
export function markdownFiles(folder) {
  const exclude = (/** @type {string} */ path) =>
    /(^|\/)(node_modules|dist|\.[a-z]\w*)$|^docs\/(api|errors)$/.test(path);
  return globSync('**/*.md', { cwd: folder, exclude }).sort();
}
