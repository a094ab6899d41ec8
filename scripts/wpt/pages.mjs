import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { substitute, toPage } from './tests.mjs';

/** No charset for HTML: a test says its own. */
const types = /** @type {Record<string, string>} */ ({
  '.html': 'text/html',
  '.htm': 'text/html',
  '.js': 'text/javascript; charset=utf-8',
});

/** Where a checkout has a file that is asked for by another name. */
const moved = /** @type {Record<string, string>} */ ({
  '/resources/WebIDLParser.js': '/resources/webidl2/lib/webidl2.js',
});

const report = `add_completion_callback((tests, { status, message }) => {
  self.results = {
    status,
    message,
    tests: tests.map(({ name, status, message }) => ({ name, status, message })),
  };
});`;

/** @typedef {import('node:http').ServerResponse} Response */

/** What the tests ask of scripts on their server. @type {Record<string, (response: Response, url: URL) => void>} */
const scripts = {
  '/websockets/opening-handshake/resources/redirect_response.py': (response) =>
    response.writeHead(301, { Location: '/echo' }).end(),
  '/websockets/cookies/support/set-cookie.py': (response, { search }) =>
    response
      .writeHead(200, {
        'Content-Type': 'text/plain',
        'Set-Cookie': decodeURIComponent(search.slice(1)),
      })
      .end(),
  '/websockets/security/check.py': (response) =>
    response.end('sec-websocket-key' in response.req.headers ? 'FAIL' : 'PASS'),
};

/**
 * Serves a checkout, and for each of its tests that is a script a page at the script's path with
 * `.page` after it.
 *
 * @param {string} checkout
 * @param {Record<string, string>} names
 * @param {string} beforeWorkers a script that runs in a worker before its test
 */
export function createPages(checkout, names, beforeWorkers) {
  /** @param {string} path */
  const read = (path) => readFile(join(checkout, normalize(moved[path] ?? path)));

  /** @param {string} path @returns {Promise<string | Buffer>} */
  const content = async (path) => {
    if (path === '/resources/testharnessreport.js') return report;
    if (path.endsWith('.page')) {
      const script = path.slice(0, -'.page'.length);
      return toPage(script.slice(1), String(await read(script)));
    }
    const file = await read(path);
    if (path.endsWith('.worker.js')) return `${beforeWorkers}\n${file}`;
    return path.includes('.sub.') ? substitute(String(file), names) : file;
  };

  return createServer(async ({ url: target = '/' }, response) => {
    const url = new URL(target, 'http://localhost');
    const script = scripts[url.pathname];
    if (script) return script(response, url);
    const seconds = /trickle\(d(\d+)\)/.exec(url.search)?.[1];
    if (seconds) await delay(Number(seconds) * 1000);
    try {
      const body = await content(decodeURIComponent(url.pathname));
      const type = types[extname(url.pathname.replace(/\.page$/, '.html'))];
      response.writeHead(200, { 'Content-Type': type ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
}
