import puppeteer from 'puppeteer-core';
import { vi } from 'vitest';
import { findFirefox, noFirefox } from '../../scripts/firefox.mjs';
import { type Engine, type EngineKind, pauseProcesses, toExpression } from './driver.ts';

/** Driven by Puppeteer, over WebDriver BiDi. */
export const firefox: EngineKind = {
  name: 'Firefox',
  lacks: {},
  opensUnselected: true,
  cachesWebSockets: false,
  missing: async () => (findFirefox() ? undefined : noFirefox),
  launch,
};

async function launch(): Promise<Engine> {
  const executablePath = findFirefox();
  if (!executablePath) throw new Error(noFirefox);
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath });
  const pid = browser.process()?.pid;
  if (!pid) throw new Error('A Firefox without a process');
  return {
    async open(url) {
      const page = await browser.newPage();
      page.setDefaultTimeout(20_000);
      const lines: string[] = [];
      const errors: string[] = [];
      page.on('console', (message) => {
        lines.push(message.text());
        if (message.type() === 'error') errors.push(message.text());
      });
      page.on('pageerror', (error) => {
        // The browser's own words on a WebSocket, which hold its URL.
        if (/^Error: .+ wss?:\/\/.+$/.test(String(error))) return;
        errors.push(String(error));
      });
      await page.goto(url);
      return {
        evaluate: (fn, ...args) => page.evaluate(toExpression(fn, args)) as never,
        click: (xpath) => page.locator(`::-p-xpath(${xpath})`).click(),
        fill: (xpath, text) => page.locator(`::-p-xpath(${xpath})`).fill(text),
        press: (key) => page.keyboard.press(key),
        async goto(to) {
          await page.goto(to);
        },
        async back() {
          const from = page.url();
          // `goBack` waits for a load, and no page that comes from the cache is loaded.
          await page.evaluate('setTimeout(() => history.back())');
          await vi.waitUntil(async () => (await page.evaluate('location.href')) !== from, 10_000);
        },
        setOffline: (isOffline) => page.setOfflineMode(isOffline),
        show: () => page.bringToFront(),
        said: async () => ({ lines, errors }),
        close: () => page.close(),
      };
    },
    sleep: () => pauseProcesses(pid),
    close: () => browser.close(),
  };
}
