import { expect, test } from 'vitest';
import { pageOf, substitute, toPage } from './tests.mjs';

test('a test that is a script gets a page with what its META lines ask for', () => {
  const source = '// META: script=constants.sub.js\n// META: timeout=long\ntest(() => {});';
  const page = toPage('websockets/Close.any.js', source);
  expect(page).toContain('<base href="/websockets/">');
  expect(page).toContain('<meta name="timeout" content="long">');
  const scripts = [...page.matchAll(/src="([^"]+)"/g)].map(([, src]) => src);
  expect(scripts).toEqual([
    '/resources/testharness.js',
    '/resources/testharnessreport.js',
    'constants.sub.js',
    'Close.any.js',
  ]);
});

test('one for a worker runs there', () => {
  const page = toPage('websockets/Send.worker.js', '');
  expect(page).toContain("fetch_tests_from_worker(new Worker('Send.worker.js'))");
});

test('a page is its own address, a script has one beside it', () => {
  expect(pageOf('websockets/a.html')).toBe('/websockets/a.html?default');
  expect(pageOf('websockets/a.any.js')).toBe('/websockets/a.any.js.page?default');
});

test('names of the server are filled in, and others left', () => {
  const names = { host: 'localhost', 'ports[ws][0]': '81' };
  expect(substitute('ws://{{host}}:{{ports[ws][0]}}/{{other}}', names)).toBe(
    'ws://localhost:81/{{other}}',
  );
});
