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
 * which costs several times what reading the frame does.
 */
export async function launchChromium(path) {
  const profile = await mkdtemp(join(tmpdir(), 'bench-chromium-'));
  const child = spawn(path, [...flags, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const send = await connect(await debuggerUrl(child));

  /**
   * A fresh page. `cpu` is the processor time of the tasks on its main thread, where an app's messages
   * are read; what the browser's network process does meanwhile is not in it.
   */
  const openPage = async (code, origin) => {
    const { browserContextId } = await send('Target.createBrowserContext');
    const { targetId } = await send('Target.createTarget', {
      url: 'about:blank',
      browserContextId,
    });
    const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
    const evaluate = async (expression) => {
      const { result, exceptionDetails } = await send(
        'Runtime.evaluate',
        { expression, awaitPromise: true, returnByValue: true },
        sessionId,
      );
      if (exceptionDetails) throw new Error(exceptionDetails.exception.description);
      return result.value;
    };
    const taskTime = async () => {
      const { metrics } = await send('Performance.getMetrics', {}, sessionId);
      return metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
    };
    await send('Performance.setTimeDomain', { timeDomain: 'threadTicks' }, sessionId);
    await send('Performance.enable', {}, sessionId);
    await send('Page.navigate', { url: origin }, sessionId);
    await evaluate('globalThis.clients = {}');
    return {
      async open(client, bytes, count) {
        const url = `data:text/javascript,${encodeURIComponent(code)}#${client}`;
        const request = JSON.stringify([origin, client, bytes, count]);
        await evaluate(`import(${JSON.stringify(url)}).then((module) => {
          clients[${JSON.stringify(client)}] = module;
          return module.open(...${request});
        })`);
      },
      async receive(client) {
        const module = `clients[${JSON.stringify(client)}]`;
        const before = await taskTime();
        const wall = await evaluate(`${module}.receive()`);
        const cpu = (await taskTime()) - before;
        await evaluate(`${module}.verify()`);
        return { wall, cpu };
      },
      close: () => send('Target.disposeBrowserContext', { browserContextId }),
    };
  };

  const close = async () => {
    child.kill();
    if (child.exitCode === null) await once(child, 'exit');
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };

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
