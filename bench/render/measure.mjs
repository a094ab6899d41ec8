import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { buildPages } from './build.mjs';
import { launchChromium } from './chromium.mjs';

/** All that a measurement needs: the pages, the process that serves them, the browser. */
export async function prepare(chromiumPath, pages) {
  const files = await buildPages(pages);
  const server = fork(fileURLToPath(new URL('./server.mjs', import.meta.url)));
  server.send(files);
  const [port] = await once(server, 'message');
  const ask = async (question) => {
    server.send(question);
    return (await once(server, 'message'))[0];
  };
  const chromium = await launchChromium(chromiumPath);
  let pagesOpened = 0;

  /** One variant in one case, in a fresh page. */
  async function measure(variant, name, { messages, ms, view, cost = 0, alike, perFrame, hidden }) {
    const page = String(++pagesOpened);
    const wire = variant.role === 'ours' ? 'two-stage' : 'plain';
    const query = new URLSearchParams({
      url: `ws://127.0.0.1:${port}/${wire}?page=${page}`,
      view,
      cost,
      lastId: messages - 1,
      ...(perFrame && { packed: '' }),
    });
    const opened = await chromium.openPage(`http://127.0.0.1:${port}/?${query}`);
    try {
      await opened.evaluate(`import('/${variant.page}.js').then(() => {})`);
      const sockets = variant.sockets[name] ?? 1;
      const { connected } = await ask({ ask: 'connected', page, sockets });
      if (connected !== sockets) throw new Error(`${connected} sockets instead of ${sockets}`);
      if (hidden) await opened.hide();
      await opened.evaluate('bench.begin()');
      if (hidden && !(await opened.evaluate('bench.hidden()'))) throw new Error('Not hidden');
      await opened.ask('HeapProfiler.collectGarbage');
      const before = await opened.times();
      const { startedAt, ...sent } = await ask({
        ask: 'stream',
        page,
        messages,
        ms,
        alike,
        perFrame,
      });
      const { shownAt, ...result } = await opened.evaluate('bench.result()');
      const after = await opened.times();
      const [task, cpu] = ['task', 'cpu'].map((key) => after[key] - before[key]);
      return { ...result, ...sent, task, cpu, lastDom: shownAt - startedAt };
    } catch (error) {
      throw new Error(`${variant.name}, ${name}: ${error.message}`, { cause: error });
    } finally {
      await opened.close();
    }
  }

  async function close() {
    await chromium.close();
    server.disconnect();
  }

  return { measure, close };
}
