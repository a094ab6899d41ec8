import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright';
import { expect, vi } from 'vitest';
import { chromiumArgs, findChromium } from '../scripts/chromium.mjs';

export async function launchBrowser(): Promise<Browser> {
  const executablePath = await findChromium();
  return chromium.launch({ args: chromiumArgs, ...(executablePath && { executablePath }) });
}

/** A browser whose pages live as people's do. */
export interface WildBrowser {
  readonly context: BrowserContext;
  /** The process that has started all of its others. */
  readonly pid: number;
  close(): Promise<void>;
}

/**
 * An argument for Chromium. Newer ones end the WebSockets of a page that they freeze, and so cache it
 * whatever it has open. Elsewhere one that is open outlives a freeze, and keeps its page out of the
 * back/forward cache: the harder case.
 */
export const keepsWebSockets = '--disable-features=DisconnectWebSocketOnBFCache';

/**
 * Starts a browser that hides a page behind another one, freezes it, holds the timers of a hidden one
 * back, and keeps a page that is left in its back/forward cache. Playwright turns all of that off: the
 * last two by arguments, the others by telling each page of its own that it has the focus. Of a browser
 * that it has not started but joined it can let the pages be.
 *
 * @param args Further arguments of Chromium's.
 */
export async function launchWildBrowser(...args: readonly string[]): Promise<WildBrowser> {
  const executablePath = await findChromium();
  const launched = await chromium.launch({
    // The latter because a browser tells only automation where its profile is, which has its port.
    args: [...chromiumArgs, '--remote-debugging-port=0', '--enable-automation', ...args],
    ignoreDefaultArgs: [
      '--disable-back-forward-cache',
      '--disable-background-timer-throttling',
      '--disable-renderer-backgrounding',
    ],
    ...(executablePath && { executablePath }),
  });
  const session = await launched.newBrowserCDPSession();
  const commandLine = await session.send('Browser.getBrowserCommandLine');
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const option = '--user-data-dir=';
  const profile = commandLine.arguments.find((argument) => argument.startsWith(option));
  const address = join(profile?.slice(option.length) ?? '', 'DevToolsActivePort');
  const joined = await vi.waitFor(async () => {
    const [port, path] = (await readFile(address, 'utf8')).split('\n');
    return chromium.connectOverCDP(`ws://127.0.0.1:${port}${path}`, { noDefaults: true });
  }, 10_000);
  const [context] = joined.contexts();
  if (!context) throw new Error('A browser without a context');
  return {
    context,
    pid: processInfo.find(({ type }) => type === 'browser')?.id ?? Number.NaN,
    async close() {
      await joined.close();
      await launched.close();
    },
  };
}

/** A WebSocket of a page, with the frames that have come in. */
export interface Connection {
  readonly received: string[];
}

/** A page of the demo with one panel, and everything that it did. */
export interface Panel {
  readonly page: Page;
  readonly connections: readonly Connection[];
  /** Waits until the panel says all of this at once: `status`, `failure`, `attempt`, `wire`. */
  until(state: Readonly<Record<string, string | number>>): Promise<void>;
  /** Waits until the timeline has a line like this one. */
  event(text: string | RegExp): Promise<void>;
  /** A message that has come in. */
  message(text: string | RegExp): Locator;
  send(text: string): Promise<void>;
}

/** Opens the demo with the panel of one framework. */
export async function openPanel(
  context: BrowserContext,
  url: string,
  query: Readonly<Record<string, string>>,
): Promise<Panel> {
  const page = await context.newPage();
  const connections: Connection[] = [];
  /** Every token and JWT that the server gives to the page. */
  const secrets: string[] = [];

  page.on('websocket', (socket) => {
    const connection: Connection = { received: [] };
    connections.push(connection);
    socket.on('framereceived', ({ payload }) => connection.received.push(String(payload)));
  });
  let allRead = Promise.resolve();
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (!['/token/ws', '/login'].includes(pathname)) return;
    const read = response.json().catch(() => undefined);
    allRead = allRead.then(async () => {
      const token = (await read)?.data?.token;
      if (typeof token === 'string') secrets.push(token);
    });
  });
  watchConsole(page, secrets);

  const locate = (state: object) =>
    page.locator(
      `[data-testid="panel"]${Object.entries(state)
        .map(([name, value]) => `[data-${name}="${value}"]`)
        .join('')}`,
    );
  await page.goto(`${url}?${new URLSearchParams(query)}`);
  await locate({}).waitFor();
  return {
    page,
    connections,
    async until(state) {
      await locate(state).waitFor();
      await allRead;
    },
    event: (text) => page.getByTestId('event').filter({ hasText: text }).first().waitFor(),
    message: (text) => page.getByTestId('message').filter({ hasText: text }).first(),
    async send(text) {
      await page.getByTestId('draft').fill(text);
      await page.getByTestId('send').click();
    },
  };
}

interface Console {
  readonly page: Page;
  readonly lines: string[];
  readonly errors: string[];
  readonly secrets: readonly string[];
}

const consoles = new Set<Console>();

function watchConsole(page: Page, secrets: readonly string[]): void {
  const lines: string[] = [];
  const errors: string[] = [];
  page.on('console', (message) => {
    const text = message.text();
    // Chromium's own words on a failed request; those on a failed WebSocket hold its URL.
    if (/^(WebSocket connection to|Failed to load resource)/.test(text)) return;
    lines.push(text);
    if (message.type() === 'error') errors.push(text);
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  consoles.add({ page, lines, errors, secrets });
}

/** Checks that no page has said what it should not have, and forgets them. */
export function expectCleanPages(): void {
  const watched = [...consoles];
  consoles.clear();
  for (const { page, lines, errors, secrets } of watched) {
    expect(errors).toEqual([]);
    const said = [...lines, page.url()].join('\n');
    for (const secret of secrets) expect(said).not.toContain(secret);
  }
}
