import { findChromium } from '../../scripts/chromium.mjs';
import { keepsWebSockets, launchWildBrowser } from '../browser.ts';
import { type Engine, type EngineKind, pauseProcesses, toExpression } from './driver.ts';

/** Driven by Playwright. */
export const chromium: EngineKind = {
  name: 'Chromium',
  lacks: {},
  opensUnselected: false,
  cachesWebSockets: true,
  async missing() {
    return (await findChromium())
      ? undefined
      : 'no Chromium found: apt-get install chromium, or set CHROMIUM_PATH to yours';
  },
  launch,
};

async function launch(): Promise<Engine> {
  const browser = await launchWildBrowser(keepsWebSockets);
  const { context } = browser;
  context.setDefaultTimeout(20_000);
  return {
    async open(url) {
      const page = await context.newPage();
      const lines: string[] = [];
      const errors: string[] = [];
      page.on('console', (message) => {
        const text = message.text();
        // The browser's own words on a failed request; those on a failed WebSocket hold its URL.
        if (/^(WebSocket connection to|Failed to load resource)/.test(text)) return;
        lines.push(text);
        if (message.type() === 'error') errors.push(text);
      });
      page.on('pageerror', (error) => errors.push(String(error)));
      await page.goto(url);
      return {
        evaluate: (fn, ...args) => page.evaluate(toExpression(fn, args)),
        click: (xpath) => page.locator(`xpath=${xpath}`).first().click(),
        fill: (xpath, text) => page.locator(`xpath=${xpath}`).first().fill(text),
        press: (key) => page.keyboard.press(key),
        async goto(to) {
          await page.goto(to);
        },
        async back() {
          // No page that comes from the cache is loaded.
          await page.goBack({ waitUntil: 'commit' });
        },
        setOffline: (isOffline) => context.setOffline(isOffline),
        show: () => page.bringToFront(),
        said: async () => ({ lines, errors }),
        async close() {
          await context.setOffline(false);
          await page.close();
        },
      };
    },
    sleep: () => pauseProcesses(browser.pid),
    close: () => browser.close(),
  };
}
