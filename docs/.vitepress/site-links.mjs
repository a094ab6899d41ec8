import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

const docs = join(import.meta.dirname, '..');

/** The pages of the site that are but a file from elsewhere in the repository, and that file. */
const included = globSync('{*,server/*}.md', { cwd: docs }).flatMap((page) => {
  const [, path] = readFileSync(join(docs, page), 'utf8').match(/^<!--@include: (.+)-->$/m) ?? [];
  return path ? [{ page, source: posix.join('docs', posix.dirname(page), path) }] : [];
});

const errors = 'packages/core/errors.md';

/**
 * The file of the repository that a page of the site was written in.
 *
 * @param {string} page relative to the folder of the docs
 */
export function sourceOf(page) {
  if (page.startsWith('errors/')) return errors;
  return included.find((one) => one.page === page)?.source ?? `docs/${page}`;
}

/**
 * Where a link leads to on the site, so that the same Markdown can be read on GitHub and here.
 * `undefined` if that is no page of the site, and the repository has no address.
 *
 * @param {string} href
 * @param {string} page that the link stands in, relative to the folder of the docs
 * @param {string | undefined} repository
 */
export function toSite(href, page, repository) {
  if (/^([a-z][a-z+.-]*:|\/)/i.test(href)) return href;
  const source = sourceOf(page);
  const [path = '', hash = ''] = href.split('#');
  const target = path === '' ? source : posix.join(posix.dirname(source), path);
  const anchor = hash && `#${hash}`;

  if (target === errors) return `/errors/${hash}`;
  if (target === source) return anchor || href;
  const file = target.replace(/\/$/, '');
  const own = included.find(({ source }) => source === file || source === `${file}/README.md`);
  if (own) return `/${own.page}${anchor}`;
  if (file.startsWith('docs/')) return `/${file.slice('docs/'.length)}${anchor}`;
  return repository && `${repository}/blob/main/${file}${anchor}`;
}

/**
 * Puts the links of Markdown right for the site, with `markdown-it`. A link that leads nowhere here
 * is shown as the text that it has, and the picture of the two stages follows the page's colours.
 *
 * @param {import('vitepress').MarkdownRenderer} md
 * @param {string | undefined} repository
 */
export function rewriteLinks(md, repository) {
  md.core.ruler.push('site-links', ({ tokens, env }) => {
    for (const { children } of tokens) {
      let isGone = false;
      const kept = (children ?? []).filter((token) => {
        if (token.type === 'image' && token.attrGet('src')?.endsWith('/two-stages.svg')) {
          token.type = 'html_inline';
          token.content = '<TwoStages />';
        }
        if (token.type === 'link_close' && isGone) {
          isGone = false;
          return false;
        }
        const href = token.type === 'link_open' && !token.attrGet('class') && token.attrGet('href');
        if (!href) return true;
        const address = toSite(href, env.relativePath, repository);
        isGone = address === undefined;
        if (address !== undefined) token.attrSet('href', address);
        return !isGone;
      });
      children?.splice(0, Infinity, ...kept);
    }
  });
}
