import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keepsWebSockets, launchBrowser, launchWildBrowser } from './browser.ts';
import { type Server, startServer } from './server.ts';

let server: Server;
let browser: Browser;

beforeAll(async () => {
  const settings = { LOG_LEVEL: 'info' };
  [server, browser] = await Promise.all([startServer(settings), launchBrowser()]);
});

afterAll(async () => {
  await Promise.all([server?.stop(), browser?.close()]);
});

const readyPanels = '[data-testid="panel"][data-status="ready"]';

test('shows the three panels side by side, each with a socket of its own', async () => {
  const page = await browser.newPage();
  await page.goto(server.url);
  for (const framework of ['react', 'vue', 'svelte']) {
    await page.locator(`${readyPanels}[data-panel="${framework}"]`).waitFor();
  }
  const { data } = await (await fetch(`${server.url}/health`)).json();
  expect(data.ready).toBe(3);
  await page.close();
});

test.each([360, 768, 1440])('fits a screen %i pixels wide', async (width) => {
  const page = await browser.newPage({ viewport: { width, height: 800 } });
  await page.goto(server.url);
  await page.locator(readyPanels).first().waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
    width,
  );
  await page.close();
});

test('can be used with the keyboard alone', async () => {
  const page = await browser.newPage({ viewport: { width: 360, height: 800 } });
  await page.goto(`${server.url}/?panel=react`);
  await page.locator(readyPanels).waitFor();

  const press = (...keys: string[]) =>
    keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
  await page.locator('summary').focus();
  await press('Enter', 'Tab', 'Tab', 'Tab', 'ArrowRight');
  await page.getByTestId('faults-summary').getByText('Upgrade refuse').waitFor();
  await page.getByRole('button', { name: 'Kill connections' }).focus();
  await press('Enter');
  await page.locator('[data-testid="panel"][data-failure="connect-failed"]').waitFor();
  await page.getByRole('button', { name: 'All back to normal' }).focus();
  await press('Enter');
  await page.locator(readyPanels).waitFor();
  await page.getByRole('radio', { name: 'Ada' }).last().focus();
  await press('ArrowRight');
  await page.getByTestId('event').getByText('Logged in as bob').waitFor();
  await page.locator(readyPanels).waitFor();
  await page.close();
});

test('says what to do where the server has no fault switches', async () => {
  const page = await browser.newPage();
  await page.route('**/faults**', (route) => route.fulfill({ status: 404, json: { status: 0 } }));
  await page.goto(server.url);
  await page
    .getByTestId('faults-summary')
    .getByText('Off: start the server with FAULTS=1')
    .waitFor();
  expect(await page.getByRole('button', { name: 'Kill connections' }).isDisabled()).toBe(true);
  await page.close();
});

test('comes back from the back/forward cache with all of its sockets', async () => {
  // Newer Chromiums end the WebSockets of a page by themselves, and cache it whatever it has open.
  const wild = await launchWildBrowser(keepsWebSockets);
  try {
    const page = await wild.context.newPage();
    await page.goto(server.url);
    const expectAll = (state: string) =>
      expect.poll(() => page.locator(readyPanels + state).count(), { timeout: 10_000 }).toBe(3);
    await expectAll('');
    for (const draft of await page.getByTestId('draft').all()) await draft.fill('on the way out');
    await page.evaluate(() => {
      // The sockets were there first, so they have let go by now.
      addEventListener('pagehide', () => {
        for (const button of document.querySelectorAll<HTMLElement>('[data-testid="send"]')) {
          button.click();
        }
      });
      addEventListener('pageshow', ({ persisted }) => {
        document.documentElement.dataset.persisted = String(persisted);
      });
    });
    const ends = () => server.log.filter(({ msg }) => msg === 'connection ended');
    const before = ends().length;

    await page.goto(`${server.url}/health`);
    const clean = { code: 1000 };
    await expect.poll(() => ends().slice(before)).toMatchObject([clean, clean, clean]);
    await page.goBack({ waitUntil: 'commit' });
    await page.locator('html[data-persisted="true"]').waitFor();
    const reasons = await page.evaluate(() => {
      const [navigation] = performance.getEntriesByType('navigation');
      return navigation && 'notRestoredReasons' in navigation && navigation.notRestoredReasons;
    });
    expect(reasons || undefined).toBe(undefined);

    await expectAll('[data-failure="page-hidden"][data-attempt="1"]');
    for (const panel of await page.getByTestId('panel').all()) {
      await panel.getByTestId('message').getByText('echo: on the way out').waitFor();
      await panel.getByTestId('event').getByText('until the page is shown again').waitFor();
      await panel.getByText('Recovered from').waitFor();
    }
  } finally {
    await wild.close();
  }
});
