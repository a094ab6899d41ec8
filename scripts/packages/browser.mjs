import { readFileSync } from 'node:fs';
import { chromium } from 'playwright';
import { chromiumArgs, findChromium } from '../chromium.mjs';

/** ms that a page may take to show something, or to come back: retries wait some seconds. */
const LIMIT = 30_000;

export async function launch() {
  const executablePath = await findChromium();
  return chromium.launch({ args: chromiumArgs, ...(executablePath && { executablePath }) });
}

/**
 * Loads modules as scripts of a page, and gives what the page has complained about.
 *
 * @param {import('playwright').Browser} browser
 * @param {string[]} files
 */
export async function load(browser, files) {
  /** @type {string[]} */
  const errors = [];
  for (const file of files) {
    const page = await browser.newPage();
    page.on('pageerror', (error) => errors.push(`${file}: ${error}`));
    // A page of no origin has no storage to read.
    await page.route('**', (route) => route.fulfill({ contentType: 'text/html', body: '' }));
    await page.goto('http://packages.test/');
    await page.addScriptTag({ type: 'module', content: readFileSync(file, 'utf8') });
    await page
      .waitForFunction('globalThis.loaded', undefined, { timeout: LIMIT })
      .catch(() => errors.push(`${file} has not run to its end`));
    await page.close();
  }
  return errors;
}

/**
 * A page with a socket, looked at as its reader does.
 *
 * @typedef {object} Visit
 * @property {(label: string) => Promise<void>} press
 * @property {(text: string) => Promise<void>} see
 * @property {() => () => Promise<void>} comesBack to be called before what cuts the connection; what it
 * gives resolves when another connection, with another token, has answered
 * @property {() => void} assertClean throws what the page has complained about
 * @property {() => Promise<void>} close
 */

/**
 * @param {import('playwright').Browser} browser
 * @param {string} url
 * @returns {Promise<Visit>}
 */
export async function visit(browser, url) {
  const page = await browser.newPage();
  page.setDefaultTimeout(LIMIT);
  /** @type {string[]} */
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    // Chromium's own words on what the network did, a missing icon for one.
    const isOwn = /^(WebSocket connection to|Failed to load resource)/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !isOwn) errors.push(message.text());
  });
  const assertClean = () => {
    if (errors.length > 0) throw new Error(`${url} complains:\n${errors.join('\n')}`);
  };
  /** @type {Set<string>} */
  const tokens = new Set();
  page.on('websocket', (socket) => {
    const { pathname, searchParams } = new URL(socket.url());
    const token = searchParams.get('token');
    // That of Vite's own, by which it tells of changes, is at the root.
    if (token !== null && pathname !== '/') socket.once('framereceived', () => tokens.add(token));
  });
  await page.goto(url);
  return {
    press: (label) => page.getByRole('button', { name: label, exact: true }).click(),
    async see(text) {
      await page.waitForFunction(hasLine, text).catch(async () => {
        const body = await page.locator('body').textContent();
        throw new Error(`${url} never showed "${text}", but:\n${body}\n${errors.join('\n')}`);
      });
    },
    comesBack() {
      const before = tokens.size;
      return async () => {
        const deadline = performance.now() + LIMIT;
        while (tokens.size === before) {
          const left = Math.max(1, deadline - performance.now());
          await page
            .waitForEvent('websocket', { timeout: left })
            .then((socket) =>
              tokens.size === before ? socket.waitForEvent('framereceived') : undefined,
            );
        }
      };
    },
    assertClean,
    close: () => page.close(),
  };
}

/**
 * Run in the page: whether an element has this line, other messages before and after it or not.
 *
 * @param {string} wanted
 */
function hasLine(wanted) {
  const elements = [
    .../** @type {any} */ (globalThis).document.querySelectorAll('body :not(script)'),
  ];
  return elements.some(({ textContent }) =>
    textContent.split('\n').some((/** @type {string} */ line) => line.trim() === wanted),
  );
}
