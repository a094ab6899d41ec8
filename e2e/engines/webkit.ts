import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import type { Readable } from 'node:stream';
import { Builder, By, Capabilities, Key as Keys, type WebDriver } from 'selenium-webdriver';
import { vi } from 'vitest';
import { findWebKitDriver, noWebKit } from '../../scripts/webkit.mjs';
import {
  type Engine,
  type EngineKind,
  type Key,
  pauseProcesses,
  type Said,
  toExpression,
} from './driver.ts';

/** WebKitGTK's MiniBrowser, driven by Selenium over WebDriver. */
export const webkit: EngineKind = {
  name: 'WebKit',
  lacks: {
    setOffline: 'WebDriver cannot take the network away',
    show: 'WebDriver cannot bring a tab to the front',
  },
  opensUnselected: true,
  cachesWebSockets: true,
  pageScript: listen,
  missing: async () => (findWebKitDriver() ? undefined : noWebKit),
  launch,
};

declare global {
  interface Window {
    said: Said;
  }
}

/** Runs in the page: hears what WebDriver does not tell of. */
function listen(): void {
  const lines: string[] = [];
  const errors: string[] = [];
  window.said = { lines, errors };
  for (const level of ['debug', 'log', 'info', 'warn', 'error'] as const) {
    const write = console[level];
    console[level] = (...args) => {
      lines.push(args.join(' '));
      if (level === 'error') errors.push(args.join(' '));
      write.apply(console, args);
    };
  }
  addEventListener('error', ({ message }) => errors.push(message));
  addEventListener('unhandledrejection', ({ reason }) => errors.push(String(reason)));
}

const keys: Readonly<Record<Key, string>> = {
  Enter: Keys.ENTER,
  Tab: Keys.TAB,
  ArrowRight: Keys.ARROW_RIGHT,
};

async function launch(): Promise<Engine> {
  const path = findWebKitDriver();
  if (!path) throw new Error(noWebKit);
  const display = startDisplay();
  const port = await findPort();
  const server = start(path, [`--port=${port}`], { DISPLAY: await display.name });
  const address = `http://127.0.0.1:${port}`;
  await vi.waitFor(() => fetch(`${address}/status`), 10_000);
  const driver = await new Builder()
    .usingServer(address)
    .withCapabilities(new Capabilities({ browserName: 'MiniBrowser' }))
    .build();

  let last: Promise<unknown> = Promise.resolve();
  /** A session looks at one window at a time. */
  const queue = <T>(use: () => Promise<T>): Promise<T> => {
    const result = last.then(use);
    last = result.catch(() => {});
    return result;
  };
  await driver.manage().setTimeouts({ pageLoad: 20_000, script: 30_000 });
  // Whoever closes the last one ends the session, so this one stays. It alone has the keyboard.
  const first = await driver.getWindowHandle();
  let isFirstFree = true;
  return {
    open: (url) =>
      queue(async () => {
        await driver.switchTo().window(first);
        const isFirst = isFirstFree;
        isFirstFree = false;
        // A new tab would be a hidden one.
        if (!isFirst) await driver.switchTo().newWindow('window');
        const handle = await driver.getWindowHandle();
        await driver.get(url);
        const close = async () => {
          if (!isFirst) return driver.close();
          isFirstFree = true;
          await driver.get('about:blank');
        };
        return toPage(driver, handle, close, queue);
      }),
    sleep: () => pauseProcesses(Number(server.pid)),
    async close() {
      await driver.quit();
      for (const process of [server, display.process]) {
        const exit = once(process, 'exit');
        process.kill();
        await exit;
      }
    },
  };
}

function toPage(
  driver: WebDriver,
  handle: string,
  close: () => Promise<void>,
  queue: <T>(use: () => Promise<T>) => Promise<T>,
) {
  const here = <T>(use: () => Promise<T>): Promise<T> =>
    queue(async () => {
      await driver.switchTo().window(handle);
      return use();
    });
  const evaluate = <Args extends unknown[], Result>(
    fn: (...args: Args) => Result | Promise<Result>,
    ...args: Args
  ) => here<Result>(() => driver.executeScript(`return ${toExpression(fn, args)}`));
  return {
    evaluate,
    click: (xpath: string) => here(() => driver.findElement(By.xpath(xpath)).click()),
    fill: (xpath: string, text: string) =>
      here(async () => {
        const field = driver.findElement(By.xpath(xpath));
        await field.clear();
        await field.sendKeys(text);
      }),
    goto: (url: string) => here(() => driver.get(url)),
    back: () => here(() => driver.navigate().back()),
    press: (key: Key) => here(() => driver.actions().sendKeys(keys[key]).perform()),
    setOffline: () => Promise.reject(new Error(webkit.lacks.setOffline)),
    show: () => Promise.reject(new Error(webkit.lacks.show)),
    said: () => evaluate(() => window.said),
    close: () => here(close),
  };
}

/** A display that nobody looks at; it says which it is. */
function startDisplay(): { readonly process: ChildProcess; readonly name: Promise<string> } {
  const process = start('Xvfb', ['-displayfd', '3', '-nolisten', 'tcp']);
  const name = once(process.stdio[3] as Readable, 'data').then(
    ([text]) => `:${String(text).trim()}`,
  );
  return { process, name };
}

function start(command: string, args: readonly string[], env: object = {}): ChildProcess {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  // A run that is broken off has no time for `close`.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return child;
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
