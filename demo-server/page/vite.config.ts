import { svelte } from '@sveltejs/vite-plugin-svelte';
import react from '@vitejs/plugin-react';
import vue from '@vitejs/plugin-vue';
import { defaultClientConditions, defineConfig } from 'vite';

/** Where `npm start` serves the API, for `vite demo-server/page` to pass requests on to. */
const server = process.env.SERVER ?? 'http://127.0.0.1:8080';

// The server admits only pages of its own origin, which a page served by Vite is not.
const api = { target: server, headers: { origin: server } };

export default defineConfig(({ command, mode }) => ({
  plugins: [react(), vue(), svelte({ configFile: false })],
  resolve: {
    // While developing, an edit of a package is seen at once; what is built uses what is built. A
    // copy, because Svelte's plugin adds to it and Vite's own list is frozen.
    conditions:
      command === 'serve' || mode === 'source'
        ? ['source', ...defaultClientConditions]
        : [...defaultClientConditions],
  },
  build: { modulePreload: { polyfill: false } },
  server: {
    proxy: {
      '/login': api,
      '/logout': api,
      '/token': api,
      '/faults': api,
      '/demo': { ...api, ws: true },
    },
  },
}));
