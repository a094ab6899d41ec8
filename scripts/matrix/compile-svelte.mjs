import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * Compiles components by the Svelte that a folder has. The plugin that Svelte offers wants a Vite of
 * its own for each major version of Svelte; the contract needs no more of it than this.
 *
 * @param {string} folder
 * @returns {import('vite').Plugin}
 */
export function compileSvelte(folder) {
  const { compile, VERSION } = createRequire(join(folder, 'package.json'))('svelte/compiler');
  const is4 = VERSION.startsWith('4.');
  const [page, server] = is4 ? ['dom', 'ssr'] : ['client', 'server'];
  return {
    name: 'compile-svelte',
    transform(source, id, options) {
      if (!id.endsWith('.svelte')) return null;
      const { js } = compile(source, {
        filename: id,
        dev: true,
        generate: options?.ssr ? server : page,
        // Svelte 5 takes over what a server has rendered without being told so here.
        ...(is4 && { hydratable: true }),
      });
      return js;
    },
  };
}
