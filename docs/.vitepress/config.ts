import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitepress';
import { slug } from '../../scripts/links.mjs';
import { tableOf } from './diagram.mjs';
import { sidebar } from './pages.mjs';
import { rewriteLinks } from './site-links.mjs';

const root = join(import.meta.dirname, '..', '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const repository: string | undefined = manifest.repository?.url?.replace(/^git\+|\.git$/g, '');

export default defineConfig({
  title: 'Two-Stage Socket',
  description: 'The WebSocket client for sockets that must be authenticated, and its server.',
  lang: 'en',
  cleanUrls: true,
  srcExclude: ['**/node_modules/**'],
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: {
    // The anchors of GitHub, so that a link to one works in both places.
    anchor: { slugify: slug },
    config: (md) => {
      rewriteLinks(md, repository);
      const fence = md.renderer.rules.fence;
      md.renderer.rules.fence = (tokens, index, options, env, self) => {
        const { info = '', content = '' } = tokens[index] ?? {};
        const table = info === 'mermaid' && tableOf(content);
        return table ? md.render(table, env) : (fence?.(tokens, index, options, env, self) ?? '');
      };
    },
  },
  themeConfig: {
    nav: [
      { text: 'Start', link: '/guide/react', activeMatch: '^/guide/' },
      { text: 'Protocol', link: '/protocol' },
      { text: 'Errors', link: '/errors/', activeMatch: '^/errors/' },
      { text: 'API', link: '/api/', activeMatch: '^/api/' },
    ],
    sidebar: sidebar(),
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        // Its index needs no colours, which take most of the time.
        _render: (source, env, md) => {
          md.options.highlight = null;
          return md.render(source, env);
        },
      },
    },
    ...(repository && { socialLinks: [{ icon: 'github', link: repository }] }),
  },
});
