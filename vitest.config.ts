import { svelte } from '@sveltejs/vite-plugin-svelte';
import react from '@vitejs/plugin-react';
import vue from '@vitejs/plugin-vue';
import { playwright } from '@vitest/browser-playwright';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';
import { chromiumArgs, findChromium } from './scripts/chromium.mjs';

const frameworks = () => [react(), vue(), svelte({ configFile: false })];

// Unit and contract tests run the sources: no build, and stack traces that point at what is edited.
const sources = {
  resolve: { conditions: ['source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['source', ...defaultServerConditions] } },
};

const executablePath = await findChromium();

// Nothing is retried: a test that fails now and then has found something. The timeouts are for a
// slow machine with two cores; fake time costs none of them.
export default defineConfig({
  test: {
    projects: [
      {
        ...sources,
        plugins: frameworks(),
        test: {
          name: 'node',
          include: [
            'packages/*/src/**/*.test.{ts,tsx}',
            'demo-server/src/**/*.test.ts',
            'conformance/src/**/*.test.ts',
            'examples/servers/**/*.test.ts',
            'scripts/**/*.test.mjs',
            'bench/**/*.test.mjs',
          ],
          exclude: ['**/*.browser.test.*'],
          testTimeout: 10_000,
        },
      },
      {
        ...sources,
        plugins: frameworks(),
        test: {
          name: 'browser',
          include: ['packages/*/src/**/*.browser.test.{ts,tsx}'],
          globalSetup: 'packages/core/src/testing/browser-server.test.util.ts',
          testTimeout: 20_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            instances: [{ browser: 'chromium' }],
            provider: playwright({
              launchOptions: { args: chromiumArgs, ...(executablePath && { executablePath }) },
            }),
          },
        },
      },
      {
        // Knows only what is built, so it must not resolve the sources.
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Servers that are npm packages; needs what `npm test` installs in e2e/interop.
        ...sources,
        test: {
          name: 'interop',
          include: ['e2e/interop/**/*.near.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Servers of other toolchains; needs what `npm run test:interop` brings.
        ...sources,
        test: {
          name: 'interop-far',
          include: ['e2e/interop/**/*.far.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 180_000,
        },
      },
      {
        // Needs what `npm run test:examples` installs.
        test: {
          name: 'examples',
          include: ['e2e/examples/*.spec.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
