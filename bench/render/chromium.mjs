import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { chromiumArgs } from '../../scripts/chromium.mjs';

const flags = [...chromiumArgs, '--headless=new', '--remote-debugging-port=0'];

/**
 * Headless Chromium, spoken to without Playwright: that has every WebSocket frame reported to itself,
 * which costs several times what reading the frame does, and keeps pages from being hidden.
 */
export async function launchChromium(path) {
  const profile = await mkdtemp(join(tmpdir(), 'bench-render-'));
  const child = spawn(path, [...flags, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const send = await connect(await debuggerUrl(child));
  const { targetInfos } = await send('Target.getTargets');
  const { targetId: first } = targetInfos.find(({ type }) => type === 'page');

  /**
   * A page in a process of its own, in front of all others. A tab, not a window: with each window the
   * browser starts pages of its own, which take the processor while the page is measured.
   */
  async function openPage(url) {
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
    const ask = (method, params) => send(method, params, sessionId);
    await ask('Performance.enable');
    await ask('Page.navigate', { url });
    return {
      ask,
      async evaluate(expression) {
        const { result, exceptionDetails } = await ask('Runtime.evaluate', {
          expression,
          awaitPromise: true,
          returnByValue: true,
        });
        if (exceptionDetails) throw new Error(exceptionDetails.exception.description);
        return result.value;
      },
      /** How long the tasks on its main thread have taken so far, and how much of the processor, in ms. */
      async times() {
        const { metrics } = await ask('Performance.getMetrics');
        const read = (wanted) => metrics.find(({ name }) => name === wanted).value * 1000;
        return { task: read('TaskDuration'), cpu: read('ThreadTime') };
      },
      /** Puts another page in front of it. */
      hide: () => send('Target.activateTarget', { targetId: first }),
      close: () => send('Target.closeTarget', { targetId }),
    };
  }

  async function close() {
    child.kill();
    if (child.exitCode === null) await once(child, 'exit');
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }

  return { openPage, close };
}

async function debuggerUrl(child) {
  for await (const line of createInterface({ input: child.stderr })) {
    const url = /^DevTools listening on (.+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error('Chromium did not start');
}

/** The DevTools protocol: numbered requests, answers that carry the number. */
async function connect(url) {
  const ws = new WebSocket(url);
  await once(ws, 'open');
  const waiting = new Map();
  ws.on('message', (text) => {
    const { id, result, error } = JSON.parse(text);
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error) reject?.(new Error(error.message));
    else resolve?.(result);
  });
  let lastId = 0;
  return (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      ws.send(JSON.stringify({ id, method, params, sessionId }));
    });
}
