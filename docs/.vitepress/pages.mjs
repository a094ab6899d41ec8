import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errorCodes } from './errors.mjs';

const docs = join(import.meta.dirname, '..');

/**
 * What the sidebar calls a page whose heading is too long for it.
 *
 * @type {Record<string, string>}
 */
const short = {
  'comparison.md': 'What others do',
  'security.md': 'Security',
  'websocket.md': 'A WebSocket for libraries',
};

/** @param {string} file relative to the folder of the docs */
function entry(file) {
  const [, heading = basename(file, '.md')] =
    readFileSync(join(docs, file), 'utf8').match(/^# (.+)$/m) ?? [];
  return {
    text: short[file] ?? heading.replaceAll('`', ''),
    link: `/${file.replace(/(index)?\.md$/, '')}`,
  };
}

/**
 * The pages of these files, in this order, each in its first place.
 *
 * @param {string[]} patterns
 * @param {string[]} [except]
 * @throws {Error} for a name or a pattern that finds no file
 */
function entries(patterns, except = []) {
  const files = patterns.flatMap((pattern) => {
    const found = globSync(pattern, { cwd: docs }).sort();
    if (found.length === 0)
      throw new Error(`The sidebar names docs/${pattern}: there is no such file`);
    return found;
  });
  return [...new Set(files)].filter((file) => !except.includes(file)).map(entry);
}

const start = ['react', 'vue', 'svelte', 'vanilla', 'no-bundler'].map((name) => `guide/${name}.md`);

/** What the reference says: a group for each module, a link for each export. */
function reference() {
  const modules = globSync('api/**/index.md', { cwd: docs }).filter((file) =>
    /^# @/m.test(readFileSync(join(docs, file), 'utf8')),
  );
  const names = modules.map((file) => file.slice('api/'.length, -'/index.md'.length));
  return names.sort().map((name) => ({
    text: name,
    link: `/api/${name}/`,
    collapsed: true,
    items: globSync(`api/${name}/*/index.md`, { cwd: docs })
      .filter((file) => !modules.includes(file))
      .sort()
      .map(entry),
  }));
}

/** @returns {import('vitepress').DefaultTheme.SidebarItem[]} */
export function sidebar() {
  return [
    { text: 'Start', items: entries(start) },
    {
      text: 'Concepts',
      items: entries(['guide/two-stages.md', 'guide/*.md', 'lifecycle.md'], start),
    },
    { text: 'Recipes', items: entries(['recipes/*.md', 'services.md', 'websocket.md']) },
    { text: 'Tools', items: entries(['testing.md', 'devtools.md']) },
    {
      text: 'Server',
      items: [
        { text: 'Protocol', link: '/protocol' },
        ...entries(['security.md']),
        { text: 'The reference server', link: '/server/reference' },
        { text: 'In a Node app of yours', link: '/server/parts' },
        { text: 'In Go', link: '/server/go' },
        { text: 'In Python', link: '/server/python' },
        { text: 'In Java', link: '/server/java' },
        { text: 'Conformance', link: '/server/conformance' },
      ],
    },
    {
      text: 'Errors',
      link: '/errors/',
      collapsed: true,
      items: errorCodes().map((code) => ({ text: code, link: `/errors/${code}` })),
    },
    { text: 'Migration', items: entries(['migration/*.md', 'comparison.md']) },
    { text: 'API', link: '/api/', collapsed: true, items: reference() },
  ];
}
