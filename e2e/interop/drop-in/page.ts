import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import type { Page } from 'playwright';
import { onTestFinished } from 'vitest';
import { launchBrowser } from '../../browser.ts';

/** Serves an empty page until the test has finished; gives its origin. */
export async function serveEmptyPage(): Promise<string> {
  const http = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>Empty</title>');
  });
  onTestFinished(() => {
    http.close();
    http.closeAllConnections();
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

/** Opens a page in Chromium until the test has finished. */
export async function openPage(url: string): Promise<Page> {
  const browser = await launchBrowser();
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  await page.goto(url);
  return page;
}

/** Runs a module beside this one in a page, with all that it imports. */
export async function runModule(page: Page, name: string): Promise<void> {
  const { outputFiles } = await esbuild.build({
    entryPoints: [fileURLToPath(new URL(name, import.meta.url))],
    bundle: true,
    write: false,
    conditions: ['source'],
  });
  await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
}
