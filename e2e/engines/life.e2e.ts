import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeEngines, testWith } from './engines.ts';
import { elsewhere } from './gateway.ts';
import { openPanel, type Panel } from './panel.ts';
import { type Site, startSite } from './site.ts';

/** Ask for a heartbeat so rarely that it finds out nothing, and every second. */
let calm: Site;
let lively: Site;

beforeAll(async () => {
  [calm, lively] = await Promise.all([
    startSite({ HEARTBEAT: '25000' }),
    startSite({ HEARTBEAT: '1000' }),
  ]);
});

afterAll(async () => {
  await Promise.all([calm?.stop(), lively?.stop()]);
});

describeEngines((kind, engine) => {
  const openIn = ({ gateway }: Site, query: Readonly<Record<string, string>> = {}) =>
    openPanel(engine, gateway.url, { panel: 'react', user: 'ada', ...query });

  const open = async (site = calm): Promise<Panel> => {
    const panel = await openIn(site);
    await panel.until({ status: 'ready' });
    return panel;
  };

  const exchange = async (panel: Panel, text: string) => {
    await panel.send(text);
    await panel.message(`echo: ${text}`);
  };

  describe('a sleep of its machine', () => {
    test('is outlived by a connection that its server has kept', async () => {
      const panel = await open();
      const [connection] = calm.gateway.connections;
      const release = calm.gateway.hold();
      // Asks whether the connection is alive. The answer comes in its sleep.
      await panel.page.evaluate(() => {
        dispatchEvent(new Event('online'));
      });
      const wake = engine.sleep();
      release();
      const before = connection?.received.length ?? 0;
      try {
        // By the server's clock, two each 200 ms: longer than an answer may take, and a timer be late.
        await expect
          .poll(() => connection?.received.length, { timeout: 20_000 })
          .toBeGreaterThan(before + 50);
      } finally {
        wake();
      }
      expect(connection?.received.slice(before)).toContain('{"type":"pong"}');
      await exchange(panel, 'awake');
      expect(calm.gateway.connections).toHaveLength(1);
      await panel.has('[data-testid="failure"]', 'None so far');
    });

    test('brings to light that the server has ended it meanwhile', async () => {
      const panel = await open();
      const wake = engine.sleep();
      try {
        await calm.server.faults({ action: 'kill-connections' });
      } finally {
        wake();
      }
      await panel.event('connection-lost');
      await panel.until({ status: 'ready', failure: 'connection-lost' });
      await exchange(panel, 'awake');
      expect(calm.gateway.connections).toHaveLength(2);
    });

    test('brings to light that the network has forgotten it meanwhile', async () => {
      const panel = await open(lively);
      const wake = engine.sleep();
      lively.gateway.silence();
      try {
        // The sleep itself: longer than an answer may take.
        await setTimeout(3500);
      } finally {
        wake();
      }
      await panel.event('heartbeat-timeout');
      await panel.until({ status: 'ready', failure: 'heartbeat-timeout' });
      await exchange(panel, 'awake');
      expect(lively.gateway.connections).toHaveLength(2);
    });
  });

  describe('gone back to', () => {
    const goBack = async (): Promise<Panel> => {
      const panel = await open();
      const { page } = panel;
      await page.evaluate(() => {
        addEventListener('pageshow', ({ persisted }) => {
          document.documentElement.dataset.persisted = String(persisted);
        });
      });
      await page.goto(calm.gateway.url + elsewhere);
      await page.back();
      return panel;
    };

    if (kind.cachesWebSockets) {
      test('the page comes out of the cache, and its socket with it', async () => {
        const panel = await goBack();
        await panel.has('html[data-persisted="true"]');
        await panel.until({ status: 'ready', failure: 'page-hidden', attempt: 1 });
        await exchange(panel, 'back');
        expect(calm.gateway.connections).toHaveLength(2);
      });
    } else {
      test('the engine loads the page anew, and its socket starts over', async () => {
        const panel = await goBack();
        await panel.until({ status: 'ready', attempt: 1 });
        await panel.has('html:not([data-persisted])');
        await exchange(panel, 'back');
        expect(calm.gateway.connections).toHaveLength(2);
      });
    }
  });

  testWith(kind, ['show'], 'pauses its retries while another tab hides it', async () => {
    const panel = await open();
    const other = await engine.open(calm.gateway.url + elsewhere);
    await calm.server.faults({ action: 'kill-connections' });
    await panel.event('until the page is seen');
    await panel.until({ status: 'waiting', failure: 'connection-lost' });
    expect(calm.gateway.connections).toHaveLength(1);
    await panel.page.show();
    await panel.until({ status: 'ready', failure: 'connection-lost' });
    await other.close();
    await exchange(panel, 'seen');
  });

  describe('where a server selects no subprotocol', () => {
    if (kind.opensUnselected) {
      test.each([
        ['answer', 'two-stage.v1'],
        ['request', 'original'],
      ] as const)('lost from the %s, the ack says that the wire is %s', async (half, wire) => {
        calm.gateway.losesSubprotocols = half;
        const panel = await openIn(calm);
        await panel.until({ status: 'ready', wire, attempt: 1 });
        await exchange(panel, 'hello');
        expect(calm.gateway.connections).toHaveLength(1);
      });
    } else {
      test('the engine opens no connection, and it tries again', async () => {
        calm.gateway.losesSubprotocols = 'answer';
        const panel = await openIn(calm);
        await panel.until({ status: 'waiting', failure: 'connect-failed' });
        calm.gateway.losesSubprotocols = undefined;
        await panel.until({ status: 'ready' });
        await exchange(panel, 'hello');
      });
    }
  });

  describe('the page', () => {
    const readyPanels = '[data-testid="panel"][data-status="ready"]';

    test('shows the three panels side by side, each with a socket of its own', async () => {
      const page = await openPanel(engine, calm.gateway.url, {});
      for (const framework of ['react', 'vue', 'svelte']) {
        await page.has(`${readyPanels}[data-panel="${framework}"]`);
      }
      expect(calm.gateway.connections).toHaveLength(3);
      expect(new Set(calm.gateway.tokens).size).toBe(3);
    });

    test('can be used with the keyboard alone', async () => {
      const panel = await open();
      const { page } = panel;
      const focus = (selector: string) =>
        page.evaluate((found) => document.querySelector<HTMLElement>(found)?.focus(), selector);
      // Open at first, where the window is wide.
      await page.evaluate(() => document.querySelector('details')?.removeAttribute('open'));
      await focus('summary');
      for (const key of ['Enter', 'Tab', 'Tab', 'Tab', 'ArrowRight'] as const) {
        await page.press(key);
      }
      await panel.has('[data-testid="faults-summary"]', 'Upgrade refuse');
      await focus('[data-testid="panel"] input[value="ada"]');
      await page.press('ArrowRight');
      await panel.event('Logged in as bob');
      await panel.until({ status: 'waiting', failure: 'connect-failed' });
    });
  });
});
