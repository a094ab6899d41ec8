import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';
import { chromium } from 'playwright';
import { chromiumArgs, findChromium } from './chromium.mjs';
import { root } from './workspaces.mjs';
import { createEndpoints } from './wpt/endpoints.mjs';
import { createPages } from './wpt/pages.mjs';
import { findTests, pageOf } from './wpt/tests.mjs';

const document = 'docs/websocket.md';

const statuses = ['PASS', 'FAIL', 'TIMEOUT', 'NOTRUN', 'PRECONDITION_FAILED'];

/** More than testharness.js gives the slowest test; what it does not end is no test of one page. */
const longest = 70_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', default: '' } },
});
const [checkout] = positionals;
if (!checkout) {
  console.error('npm run wpt -- <checkout of web-platform-tests> [--only <part of a path>]');
  process.exit(1);
}
await main(resolve(process.env.INIT_CWD ?? '', checkout));

/**
 * Runs the WebSocket tests of a checkout of web-platform-tests against the class that `createWebSocket`
 * makes, and against the browser's own: what that fails here is for the endpoints or the pages to mend, and
 * says nothing of ours. None of their code is in this repository.
 *
 * @param {string} top
 */
async function main(top) {
  const face = await bundle();
  const endpoints = await listen(createEndpoints());
  const names = toNames(endpoints.port);
  const pages = {
    ours: await listen(createPages(top, names, face)),
    native: await listen(createPages(top, names, '')),
  };
  const executablePath = await findChromium();
  const browser = await chromium.launch({
    args: chromiumArgs,
    ...(executablePath && { executablePath }),
  });
  const contexts = { ours: await browser.newContext(), native: await browser.newContext() };
  await contexts.ours.addInitScript({ content: face });

  const waiting = findTests(top).filter((path) => path.includes(values.only));
  /** @type {Map<string, Row[]>} */
  const found = new Map(waiting.map((path) => [path, []]));
  const work = async () => {
    for (let path = waiting.shift(); path; path = waiting.shift()) {
      const [ours, native] = await Promise.all(
        /** @type {const} */ (['ours', 'native']).map((which) =>
          runTest(contexts[which], `http://localhost:${pages[which].port}${pageOf(path)}`),
        ),
      );
      found.set(path, compare(ours, native));
    }
  };
  await Promise.all([work(), work(), work()]);
  await browser.close();
  for (const { server } of [endpoints, pages.ours, pages.native]) server.close().unref();
  report(found);
}

/**
 * @typedef {Map<string, { status: string, message?: string | null }>} Results
 * @typedef {{ subtest: string, ours: string, native: string, message?: string | null | undefined }} Row
 */

/**
 * @param {import('playwright').BrowserContext} context
 * @param {string} url
 * @returns {Promise<Results>}
 */
async function runTest(context, url) {
  const page = await context.newPage();
  try {
    await page.goto(url);
    const result = await page.waitForFunction('self.results', undefined, { timeout: longest });
    const { status, message, tests } = /** @type {any} */ (await result.jsonValue());
    const results = tests.map((/** @type {any} */ test) => [
      // Some names have the address of the page, which the two do not share.
      test.name.replaceAll(new URL(url).host, 'localhost'),
      { status: statuses[test.status], message: test.message },
    ]);
    // Of the file as a whole there is something to say only where it went wrong.
    if (status !== 0)
      results.push(['(file)', { status: status === 1 ? 'FAIL' : 'TIMEOUT', message }]);
    return new Map(results);
  } catch {
    return new Map([['(file)', { status: 'TIMEOUT' }]]);
  } finally {
    await page.close();
  }
}

/** @param {Results} [ours] @param {Results} [native] @returns {Row[]} */
function compare(ours = new Map(), native = new Map()) {
  return [...new Set([...native.keys(), ...ours.keys()])].map((subtest) => {
    const own = ours.get(subtest);
    // One that is there for one of them only is about the file.
    const missing = subtest === '(file)' ? 'PASS' : 'NOTRUN';
    return {
      subtest,
      ours: own?.status ?? missing,
      native: native.get(subtest)?.status ?? missing,
      message: own?.message,
    };
  });
}

/** @param {Map<string, Row[]>} found */
function report(found) {
  const expected = readExpected();
  const counts = { passed: 0, differ: 0, inapplicable: 0 };
  /** @type {string[]} */
  const passing = [];
  /** @type {string[]} */
  const regressed = [];
  for (const [path, rows] of found) {
    const applying = rows.filter(({ native }) => native === 'PASS');
    const differing = applying.filter(({ ours }) => ours !== 'PASS');
    counts.passed += applying.length - differing.length;
    counts.differ += differing.length;
    counts.inapplicable += rows.length - applying.length;
    for (const { subtest, ours, native, message } of rows) {
      const note = native === 'PASS' ? '' : ` (the browser’s own: ${native})`;
      const why = ours === 'PASS' || !message ? '' : `\n    ${message}`;
      console.log(`${ours.padEnd(8)} ${path}: ${subtest}${note}${why}`);
    }
    if (applying.length > 0 && differing.length === 0) passing.push(path);
    else if (expected.has(path)) regressed.push(path);
  }
  for (const path of passing) if (!expected.has(path)) console.log(`not in ${document}: ${path}`);
  for (const path of regressed) console.error(`${document} has it as passing: ${path}`);
  console.log(
    `${counts.passed} subtests passed, ${counts.differ} differ from the browser’s own, ` +
      `${counts.inapplicable} that this cannot tell of; ${passing.length} of ${found.size} files pass`,
  );
  process.exitCode = regressed.length === 0 ? 0 : 1;
}

/** The files that the document has as passing: a line each, in a block of their own. */
function readExpected() {
  const text = readFileSync(join(root, document), 'utf8');
  return new Set(text.match(/^websockets\/\S+$/gm));
}

async function bundle() {
  const { outputFiles } = await esbuild.build({
    stdin: {
      contents: `import { createWebSocket } from './packages/core/src/websocket.ts';
        self.WebSocket = createWebSocket({ WebSocket: self.WebSocket, retry: { maxAttempts: 1 } });`,
      resolveDir: root,
    },
    bundle: true,
    format: 'iife',
    target: 'es2022',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

/** @param {import('node:http').Server} server */
async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { server, port };
}

/** What the tests call this server: every name under `localhost` is this machine to a browser. @param {number} port */
function toNames(port) {
  return {
    host: 'localhost',
    'ports[ws][0]': String(port),
    'hosts[alt][]': 'alt.localhost',
    'hosts[alt][www]': 'www.alt.localhost',
    'hosts[alt][www2]': 'www2.alt.localhost',
    'domains[www2]': 'www2.localhost',
  };
}
