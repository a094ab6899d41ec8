import type { BrowserContext, Locator, Page } from 'playwright';
import { expect } from 'vitest';

/** A WebSocket of a page, to the server of the sockets. */
export interface Connection {
  /** The token in its URL. */
  readonly token: string | null;
  readonly sent: readonly string[];
  isOpen: boolean;
}

/** A page of an example, and everything that it did. */
export interface Chat {
  readonly page: Page;
  readonly connections: readonly Connection[];
  /** Every token that the token route gave to the page. */
  readonly tokens: readonly string[];
  /** Warnings, errors and exceptions. */
  readonly complaints: readonly string[];
  readonly messages: Locator;
  logIn(user: string): Promise<void>;
  logOut(): Promise<void>;
  /** Waits until the socket is in this status. */
  until(status: string): Promise<void>;
  goTo(name: 'Chat' | 'About'): Promise<void>;
  enter(room: string): Promise<void>;
  /** Sends a text, and waits until it has come back. */
  say(text: string): Promise<void>;
  /** Waits for so many of the messages that the server sends by itself. */
  hear(count: number): Promise<void>;
}

/** What a browser and the tools of developers say to everybody. */
const noise =
  /^(WebSocket connection to|Failed to load resource|\[vite\]|\[HMR\]|\[Fast Refresh\])/;

export async function openChat(context: BrowserContext, url: string): Promise<Chat> {
  const page = await context.newPage();
  const connections: Connection[] = [];
  const tokens: string[] = [];
  const complaints: string[] = [];
  let pings = 0;

  page.on('websocket', (socket) => {
    const { pathname, searchParams } = new URL(socket.url());
    // Tools of developers have WebSockets too.
    if (pathname !== '/demo') return;
    const sent: string[] = [];
    const connection = { token: searchParams.get('token'), sent, isOpen: true };
    connections.push(connection);
    socket.on('framesent', ({ payload }) => sent.push(String(payload)));
    socket.on('framereceived', ({ payload }) => {
      if (/\bping \d/.test(String(payload))) pings += 1;
    });
    socket.on('close', () => {
      connection.isOpen = false;
    });
  });
  page.on('response', async (response) => {
    if (new URL(response.url()).pathname !== '/token/ws') return;
    const body = await response.json().catch(() => undefined);
    if (body) tokens.push(body.data?.token);
  });
  page.on('console', (message) => {
    const isComplaint = ['error', 'warning'].includes(message.type());
    if (isComplaint && !noise.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));

  const messages = page.getByTestId('messages').locator('li');
  const form = page.getByTestId('login');
  const status = page.getByTestId('status');
  await page.goto(url);
  return {
    page,
    connections,
    tokens,
    complaints,
    messages,
    async logIn(user) {
      await form.getByLabel('Name').fill(user);
      await form.getByLabel('Password').fill(user);
      await form.getByRole('button').click();
    },
    async logOut() {
      await page.getByTestId('logout').click();
      await form.waitFor();
    },
    until: (text) => status.filter({ hasText: text }).waitFor(),
    goTo: (name) => page.getByRole('link', { name }).click(),
    async enter(room) {
      await page.getByTestId('room').selectOption(room);
    },
    async say(text) {
      await page.getByTestId('draft').fill(text);
      await page.getByTestId('send').click();
      await messages.filter({ hasText: text }).first().waitFor();
    },
    async hear(count) {
      const goal = pings + count;
      await expect.poll(() => pings, { timeout: 10_000 }).toBeGreaterThanOrEqual(goal);
    },
  };
}
