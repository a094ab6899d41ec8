import type { Browser } from 'playwright';
import { afterAll, beforeAll } from 'vitest';
import { launchBrowser } from './browser.ts';
import { copyExample, removeExample } from './examples/app.ts';
import { describeExample } from './examples/spec.ts';

const pages = { react: 'src/ChatPage.tsx', vue: 'src/ChatPage.vue', svelte: 'src/ChatPage.svelte' };

const folders: string[] = [];

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await Promise.all(folders.map(removeExample));
});

for (const [framework, page] of Object.entries(pages)) {
  const name = `${framework}-vite`;
  const vite = {
    name,
    page,
    variable: 'VITE_SERVER',
    isServerRendered: false,
    dev: ['vite', '--host', '127.0.0.1', '--port', '0'],
    build: ['vite', 'build'],
    serve: ['vite', 'preview', '--host', '127.0.0.1', '--port', '0'],
  };
  const copy = async () => {
    const folder = await copyExample(name);
    folders.push(folder);
    return folder;
  };
  describeExample(vite, copy, () => browser);
}
