import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * What is never ours to pass: another interface, TLS, and what needs more of a browser's navigation than
 * one page; helpers are no tests.
 */
const elsewhere = /\/stream\/|\.https\.|\/back-forward-cache|\/(support|resources|handlers)\//;

/**
 * The tests of a checkout of web-platform-tests that are for a WebSocket, as paths from its top.
 *
 * @param {string} checkout
 */
export function findTests(checkout) {
  return globSync('websockets/**/*.{any.js,window.js,worker.js,html,htm}', { cwd: checkout })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !elsewhere.test(`/${path}`))
    .filter((path) => path.endsWith('.js') || isTest(readFileSync(join(checkout, path), 'utf8')))
    .sort();
}

/** @param {string} html */
const isTest = (html) => html.includes('/resources/testharness.js');

/**
 * The page that runs a test. One that is a script gets a page around it, with the scripts that its META
 * lines ask for.
 *
 * @param {string} path
 * @param {string} source
 */
export function toPage(path, source) {
  const own = `/${dirname(path)}/`;
  const metas = [...source.matchAll(/^\/\/ META: (\w+)=(.+)$/gm)];
  const wanted = metas.flatMap(([, key, value = '']) => (key === 'script' ? [value] : []));
  const isLong = metas.some(([, key, value]) => key === 'timeout' && value === 'long');
  const scripts = ['/resources/testharness.js', '/resources/testharnessreport.js', ...wanted];
  const run = path.endsWith('.worker.js')
    ? `<script>fetch_tests_from_worker(new Worker('${basename(path)}'))</script>`
    : `<script src="${basename(path)}"></script>`;
  return `<!doctype html>
<meta charset="utf-8">
<base href="${own}">
${isLong ? '<meta name="timeout" content="long">' : ''}
<title>${path}</title>
<script>self.GLOBAL = { isWindow: () => true, isWorker: () => false, isShadowRealm: () => false }</script>
${scripts.map((src) => `<script src="${src}"></script>`).join('\n')}
<div id="log"></div>
${run}
`;
}

/**
 * A file with the names of its server filled in, as `.sub.` in its name asks for.
 *
 * @param {string} text
 * @param {Record<string, string>} names
 */
export function substitute(text, names) {
  return text.replace(/\{\{([^}]*)\}\}/g, (whole, name) => names[name] ?? whole);
}

/** Where the page of a test is: its own address, or that of the page around it. @param {string} path */
export function pageOf(path) {
  return `/${path}${path.endsWith('.js') ? '.page' : ''}?default`;
}
