import type { BrowserContext } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  expectCleanPages,
  launchWildBrowser,
  openPanel,
  type Panel,
  type WildBrowser,
} from './browser.ts';
import { type Front, startFront } from './front.ts';
import { type Server, startServer } from './server.ts';

/** A server, and the network before it. */
interface Site {
  readonly front: Front;
  readonly server: Server;
}

async function startSite(heartbeat: number): Promise<Site> {
  const front = await startFront();
  const server = await startServer({ ORIGINS: front.url, HEARTBEAT: String(heartbeat) });
  front.target = server.url;
  return { front, server };
}

/** Pings so rarely that nothing is found out by it, and every second. */
let calm: Site;
let lively: Site;
let browser: WildBrowser;
let context: BrowserContext;

beforeAll(async () => {
  [browser, calm, lively] = await Promise.all([
    launchWildBrowser(),
    startSite(25_000),
    startSite(1000),
  ]);
  ({ context } = browser);
  context.setDefaultTimeout(20_000);
  // The client waits for a random part of its delay: here a small one.
  await context.addInitScript('Math.random = () => 0.05');
});

afterAll(async () => {
  for (const site of [calm, lively]) site?.front.stop();
  await Promise.all([browser?.close(), calm?.server.stop(), lively?.server.stop()]);
});

afterEach(async () => {
  expectCleanPages();
  await context.setOffline(false);
  for (const page of context.pages()) await page.close();
});

/** Opens a panel that is ready; it is seen until the next is opened. */
async function open({ front }: Site): Promise<Panel> {
  const panel = await openPanel(context, `${front.url}/index.html`, {
    panel: 'react',
    user: 'ada',
  });
  await panel.until({ status: 'ready' });
  return panel;
}

/** Waits until so many more pings have been answered. */
async function pongs({ connections }: Panel, count: number): Promise<void> {
  const answered = () =>
    connections.at(-1)?.received.filter((frame) => frame.includes('"pong"')).length ?? 0;
  const goal = answered() + count;
  await expect.poll(answered, { timeout: 20_000 }).toBeGreaterThanOrEqual(goal);
}

/** Checks that a panel's socket has been ready ever since it was for the first time. */
async function expectUnbroken({ page, connections }: Panel): Promise<void> {
  expect(connections).toHaveLength(1);
  const states = page.locator(
    '[data-testid="event"]:is([data-tone="failure"], [data-tone="ready"])',
  );
  expect(await states.count()).toBe(1);
}

test('finds out whether its connection has outlived the network', async () => {
  const panel = await open(calm);
  await context.setOffline(true);
  await context.setOffline(false);
  await pongs(panel, 1);
  await expectUnbroken(panel);

  calm.front.hold();
  // What is still on its way would be taken for an answer, however old it is.
  const [connection] = panel.connections;
  const passed = calm.front.passages.at(-1)?.fromServer.length;
  await expect.poll(() => connection?.received.length).toBe(passed);
  await context.setOffline(true);
  const start = performance.now();
  await context.setOffline(false);
  await panel.event('heartbeat-timeout');
  // Three seconds, and what two busy cores may add.
  expect(performance.now() - start).toBeLessThan(2 * 3000 + 4000);
  await panel.until({ status: 'ready', failure: 'heartbeat-timeout' });
  await panel.send('back');
  await panel.message('echo: back').waitFor();
});

test('takes no page for dead that is hidden or slow', async () => {
  // Its timers fire once a second at most.
  const hidden = await open(lively);
  const slow = await open(lively);
  const session = await context.newCDPSession(slow.page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: 20 });
  await Promise.all([pongs(hidden, 3), pongs(slow, 3)]);
  await session.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  expect(await hidden.page.evaluate(() => document.visibilityState)).toBe('hidden');
  for (const panel of [hidden, slow]) await expectUnbroken(panel);
});

test('survives a machine that sleeps over the answer', async () => {
  const panel = await open(calm);
  const wake = calm.front.hold();
  const slept = panel.page.evaluate(sleepOverPing);
  await context.setOffline(true);
  await context.setOffline(false);
  await slept;
  wake();
  await pongs(panel, 2);
  await expectUnbroken(panel);
});

/**
 * Runs in the page: lets nothing run there after the next ping, until its answer is overdue by more
 * than a timer is late when only the page is busy.
 */
const sleepOverPing = () =>
  new Promise<void>((resolve) => {
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (frame) {
      send.call(this, frame);
      if (frame !== '{"type":"ping"}') return;
      WebSocket.prototype.send = send;
      // By then the client has set the timer of its verdict.
      queueMicrotask(() => {
        const end = performance.now() + 4500;
        while (performance.now() < end);
        resolve();
      });
    };
  });
