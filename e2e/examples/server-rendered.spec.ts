import { join } from 'node:path';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, test } from 'vitest';
import { launchBrowser } from '../browser.ts';
import type { Example } from './app.ts';
import { describeExample } from './spec.ts';

const port = ['--port', '0'];
const local = ['--host', '127.0.0.1', ...port];

const examples: readonly Example[] = [
  {
    name: 'next',
    variable: 'NEXT_PUBLIC_SERVER',
    page: 'app/ChatPage.tsx',
    isServerRendered: true,
    dev: ['next', 'dev', '--hostname', '127.0.0.1', ...port],
    build: ['next', 'build'],
    serve: ['next', 'start', '--hostname', '127.0.0.1', ...port],
  },
  {
    name: 'nuxt',
    variable: 'NUXT_PUBLIC_SERVER',
    page: 'app/pages/index.vue',
    isServerRendered: true,
    dev: ['nuxt', 'dev', ...local],
    build: ['nuxt', 'build'],
    serve: ['node', '.output/server/index.mjs'],
  },
  {
    name: 'sveltekit',
    variable: 'PUBLIC_SERVER',
    page: 'src/routes/(app)/+page.svelte',
    isServerRendered: true,
    dev: ['vite', 'dev', ...local],
    build: ['vite', 'build'],
    serve: ['vite', 'preview', ...local],
  },
];

// Installed by `npm run test:examples`, which says where and which.
const { EXAMPLES = '', EXAMPLE_NAMES = '' } = process.env;

if (!EXAMPLES) test.skip('the examples that `npm run test:examples` installs', () => {});

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

for (const example of examples.filter(({ name }) => EXAMPLE_NAMES.split(',').includes(name))) {
  describeExample(
    example,
    async () => join(EXAMPLES, example.name),
    () => browser,
  );
}
