import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from './browser.ts';
import { type Server, startServer } from './server.ts';

let server: Server;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
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
