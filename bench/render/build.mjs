import { fileURLToPath } from 'node:url';
// biome-ignore-start lint/correctness/noUndeclaredDependencies: the root has them, as it has every tool
import { svelte } from '@sveltejs/vite-plugin-svelte';
import react from '@vitejs/plugin-react';
import vue from '@vitejs/plugin-vue';
import { build, defaultClientConditions } from 'vite';

// biome-ignore-end lint/correctness/noUndeclaredDependencies: as above

const root = fileURLToPath(new URL('./pages', import.meta.url));

/**
 * The scripts of the given pages by their file names, the way an app's production build makes them. The
 * packages of this repository are taken from their source, so that no build has to come first.
 */
export async function buildPages(pages) {
  const { output } = await build({
    root,
    configFile: false,
    mode: 'production',
    logLevel: 'error',
    plugins: [react(), vue(), svelte({ configFile: false }), entries],
    resolve: { conditions: ['source', ...defaultClientConditions] },
    build: {
      write: false,
      modulePreload: false,
      rolldownOptions: {
        input: Object.fromEntries(pages.map((page) => [page, `page:${page}`])),
        output: { entryFileNames: '[name].js' },
      },
    },
  });
  return Object.fromEntries(output.map((file) => [file.fileName, file.code]));
}

/** Mounts a variant the way that its framework does. */
const entries = {
  name: 'entries',
  resolveId: (id) => (id.startsWith('page:') ? `\0${id}` : undefined),
  load(id) {
    if (!id.startsWith('\0page:')) return;
    const page = id.slice('\0page:'.length);
    const [framework] = page.split('/');
    return `import * as variant from '/${page}';
      import { mount } from '/${framework}/mount';
      mount(variant);`;
  },
};
