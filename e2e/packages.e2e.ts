import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from './browser.ts';
import { type Server, startServer } from './server.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

let folder: string;
let browser: Browser;
let server: Server;
let origin: string;
const site = createServer(async ({ url = '/' }, response) => {
  const { pathname } = new URL(url, 'http://localhost');
  const type = { '.html': 'text/html', '.js': 'text/javascript' }[extname(pathname)];
  const file = await readFile(join(folder, normalize(pathname))).catch(() => undefined);
  if (!file || !type) return response.writeHead(404).end();
  response.writeHead(200, { 'Content-Type': type }).end(file);
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'two-stage-socket-no-bundler-'));
  await Promise.all(['core', 'vue'].map(unpack));
  const vue = 'vue.runtime.esm-browser.prod.js';
  await cp(join(root, 'node_modules', 'vue', 'dist', vue), join(folder, 'vue.js'));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  server = await startServer({ ORIGINS: origin });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  site.close();
  await rm(folder, { recursive: true, force: true });
});

/** What is in the tarball of a package, in a folder of its name. */
async function unpack(name: string): Promise<void> {
  const own = join(folder, name);
  await mkdir(own);
  const args = ['pack', '--json', '--pack-destination', own, join(root, 'packages', name)];
  const packed = execFileSync('npm', args, { cwd: root, encoding: 'utf8' });
  const [tarball] = Object.values<{ filename: string }>(JSON.parse(packed));
  execFileSync('tar', ['-xzf', tarball?.filename ?? '', '--strip-components=1'], { cwd: own });
}

// What an app without a bundler says where its modules are.
const imports = {
  '@two-stage-socket/core': '/core/dist/index.js',
  '@two-stage-socket/core/adapter': '/core/dist/adapter.js',
  '@two-stage-socket/vue': '/vue/dist/index.js',
  vue: '/vue.js',
};

/** Opens a page whose `script` knows `options`, and resolves when it says that it is ready and was answered. */
async function open(script: string): Promise<void> {
  const html = `<!doctype html>
    <meta charset="utf-8" />
    <title>Without a bundler</title>
    <script type="importmap">${JSON.stringify({ imports })}</script>
    <main></main>
    <script type="module">
      import { fetchToken } from '@two-stage-socket/core';
      const response = await fetch('${server.url}/login', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ username: 'ada', password: 'ada' }),
      });
      const { data } = await response.json();
      const options = {
        url: '${server.url.replace('http', 'ws')}/demo',
        getToken: fetchToken('${server.url}/token/ws', {
          headers: { Authorization: \`Bearer \${data.token}\` },
        }),
        initPayload: { type: 'jwt', token: data.token },
      };
      const main = document.querySelector('main');
      ${script}
    </script>`;
  await writeFile(join(folder, 'index.html'), html);
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(`${origin}/index.html`);
  const shown = page
    .locator('main', { hasText: 'ready, echo: hello' })
    .waitFor({ timeout: 10_000 });
  await shown.catch((error) => {
    throw new Error([...errors, error.message].join('\n'));
  });
  expect(errors).toEqual([]);
  await page.close();
}

test('a page without a bundler imports what is packed of core', () =>
  open(`
    const { TwoStageSocket } = await import('@two-stage-socket/core');
    const socket = new TwoStageSocket(options);
    // The server has more to say, and the next message would take the place of this one.
    socket.on('message', (text) => {
      if (text.startsWith('echo')) main.textContent = socket.getSnapshot().status + ', ' + text;
    });
    socket.connect();
    socket.send('hello');
  `));

test('and of the adapter of a framework that has a build for such pages', () =>
  open(`
    const { useReducedMessages, useTwoStageSocket } = await import('@two-stage-socket/vue');
    const { createApp, h } = await import('vue');
    createApp({
      setup() {
        const { state, socket } = useTwoStageSocket(options);
        const last = useReducedMessages(socket, (kept, text) => (text.startsWith('echo') ? text : kept), '');
        socket.value.send('hello');
        return () => h('p', state.value.status + ', ' + last.value);
      },
    }).mount(main);
  `));
