import type { Browser, BrowserContext } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectCleanPages, launchBrowser, openPanel, type Panel } from './browser.ts';
import { type Server, startServer } from './server.ts';

let server: Server;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
});

afterAll(async () => {
  await Promise.all([server?.stop(), browser?.close()]);
});

beforeEach(async () => {
  context = await newContext();
});

afterEach(async () => {
  expectCleanPages();
  await Promise.all(browser.contexts().map((each) => each.close()));
  await server.faults({ action: 'reset' });
});

async function newContext(): Promise<BrowserContext> {
  const created = await browser.newContext();
  created.setDefaultTimeout(20_000);
  // The client waits for a random part of its delay: here a small one.
  await created.addInitScript('Math.random = () => 0.05');
  return created;
}

/** What a frame of `two-stage.v1` says. */
const parse = (frame: string | undefined) => JSON.parse(frame ?? 'null');

/** What a WebSocket of the page comes to that is opened past the client, with this token. */
const dial = ({ page }: Panel, token: string | undefined): Promise<string> =>
  page.evaluate(
    (query) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`/demo${query}`);
        socket.onopen = () => resolve('open');
        socket.onclose = ({ code }) => resolve(`closed with ${code}`);
      }),
    token === undefined ? '' : `?token=${token}`,
  );

describe.each(['react', 'vue', 'svelte'])('%s', (framework) => {
  const open = (query: Readonly<Record<string, string>> = {}, into = context) =>
    openPanel(into, server.url, { panel: framework, user: 'ada', ...query });

  test('goes through both stages, then sends and receives', async () => {
    const panel = await open();
    await panel.until({ status: 'ready', wire: 'two-stage.v1', attempt: 1 });
    await panel.send('hello');
    await panel.message('echo: hello').waitFor();
    await panel.message(/individual ?ping/).waitFor();
    await panel.message(/broadcast ?broadcast message/).waitFor();

    const [connection] = panel.connections;
    expect(panel.connections).toHaveLength(1);
    expect(panel.tokens).toEqual([connection?.token]);
    expect(parse(connection?.sent[0])).toEqual({ type: 'jwt', token: panel.jwts[0] });
    expect(parse(connection?.received[0])).toMatchObject({ type: 'ready', user: 'ada' });
  });

  test('speaks the original wire too', async () => {
    const panel = await open();
    await panel.until({ status: 'ready' });
    await panel.choose('Wire', 'original');
    await panel.until({ status: 'ready', wire: 'original' });
    await panel.send('hello');
    await panel.message('echo: hello').waitFor();
    await panel.message(/individual ?ping/).waitFor();

    const connection = panel.connections.at(-1);
    expect(connection?.received[0]).toBe('authentication successful');
    expect(connection?.sent).toEqual([
      JSON.stringify({ type: 'jwt', token: panel.jwts[0] }),
      'hello',
    ]);
  });

  test('does not open a socket without a login', async () => {
    const panel = await open({ user: 'nobody' });
    await panel.until({ status: 'closed', failure: 'unauthorized' });
    expect(panel.tokens).toEqual([]);
    expect(panel.connections).toEqual([]);
    expect(await dial(panel, undefined)).toBe('closed with 1006');

    await panel.choose('User', 'Ada');
    await panel.until({ status: 'ready' });
  });

  test('does not connect with a spent token', async () => {
    const panel = await open();
    await panel.until({ status: 'ready' });
    expect(await dial(panel, panel.tokens[0])).toBe('closed with 1006');
    await panel.until({ status: 'ready', attempt: 1 });
  });

  test('does not connect with an expired token, and fetches another', async () => {
    await server.faults({ tokenExpiresIn: 1 });
    const panel = await open();
    await panel.until({ status: 'waiting', failure: 'connect-failed' });
    for (const { sent, received } of panel.connections) expect([sent, received]).toEqual([[], []]);

    await server.faults({ tokenExpiresIn: null });
    await panel.until({ status: 'ready' });
    expect(new Set(panel.tokens).size).toBe(panel.connections.length);
  });

  test('gets no message while it is not authenticated', async () => {
    await server.faults({ user: 'bob', init: 'hang' });
    const bob = await open({ user: 'bob' });
    await bob.until({ status: 'authenticating' });
    const ada = await open({}, await newContext());
    await ada.until({ status: 'ready' });
    await ada.message(/ping 3$/).waitFor();
    const heard = await ada.page.getByTestId('count-broadcast').textContent();
    expect(heard).not.toBe('broadcast 0');

    await bob.until({ status: 'authenticating' });
    expect(bob.connections).toHaveLength(1);
    expect(bob.connections[0]?.sent).toHaveLength(1);
    expect(bob.connections[0]?.received).toEqual([]);
  });

  test('ends with a bad JWT, after one more try with fresh credentials', async () => {
    await context.addInitScript(spoilJwts);
    const panel = await open();
    await panel.until({ status: 'closed', failure: 'unauthorized' });
    expect(panel.connections).toHaveLength(2);
    expect(new Set(panel.tokens).size).toBe(2);
    expect(new Set(panel.jwts).size).toBe(2);
    for (const { received } of panel.connections) expect(received).toEqual([]);
  });

  test('comes back rarely where the original wire drops it', async () => {
    await server.faults({ wire: 'original', init: 'drop' });
    const panel = await open();
    await panel.until({ status: 'waiting', failure: 'init-dropped', attempt: 2 });
    expect(panel.tokens).toHaveLength(2);
    await panel.event(/Waiting ?(1[5-9]|2\d|30)\.\d s, then attempt 3/);

    await server.faults({ action: 'reset' });
    await panel.press('Reconnect');
    await panel.until({ status: 'ready' });
  });

  test('reuses a token after a drop, until it is refused', async () => {
    await server.faults({ tokenReusable: true });
    const panel = await open();
    await panel.until({ status: 'ready' });
    await server.faults({ action: 'kill-connections' });
    await panel.event('Token 1 reused');
    await panel.until({ status: 'ready', failure: 'connection-lost', attempt: 2 });
    expect(panel.tokens).toHaveLength(1);
    expect(panel.connections.map(({ token }) => token)).toEqual([panel.tokens[0], panel.tokens[0]]);

    await server.faults({ action: 'spend-tokens' });
    await server.faults({ action: 'kill-connections' });
    await panel.event('token-suspect');
    await panel.until({ status: 'ready', failure: 'token-suspect' });
    expect(panel.tokens).toHaveLength(2);
    expect(panel.connections.at(-1)?.token).toBe(panel.tokens[1]);
  });

  test('refreshes the token after a drop', async () => {
    await server.faults({ tokenReusable: true });
    const panel = await open();
    await panel.choose('Token for a retry', 'refresh');
    await panel.until({ status: 'ready' });
    await server.faults({ action: 'kill-connections' });
    await panel.until({ status: 'ready', failure: 'connection-lost' });
    expect(panel.connections.map(({ token }) => token)).toEqual(panel.tokens);
    expect(new Set(panel.tokens).size).toBe(2);
  });

  test('waits while the token route is down, and comes back when it is up', async () => {
    const panel = await open();
    await panel.until({ status: 'ready' });
    await server.faults({ tokenRoute: 'down' });
    await server.faults({ action: 'kill-connections' });
    await panel.until({ status: 'waiting', failure: 'token-failed' });
    expect(panel.connections).toHaveLength(1);
    await server.faults({ tokenRoute: '503', retryAfter: 100 });
    await panel.event('HTTP 503');
    await server.faults({ action: 'reset' });
    await panel.until({ status: 'ready' });
    expect(panel.connections).toHaveLength(2);
  });

  test('comes back after a crash of the server', async () => {
    const panel = await open();
    await panel.until({ status: 'ready' });
    await server.crash();
    await panel.until({ status: 'waiting', failure: 'token-failed' });
    await panel.event('connection-lost');
    await panel.send('while it was down');
    await panel.event('Message queued');
    await server.restart();
    await panel.until({ status: 'ready' });
    await panel.message('echo: while it was down').waitFor();
  });

  test('waits for the network while offline', async () => {
    const panel = await open();
    await panel.until({ status: 'ready' });
    await context.setOffline(true);
    await panel.press('Reconnect');
    await panel.event('until the network is back');
    await panel.until({ status: 'waiting', failure: 'token-failed' });
    expect(panel.connections).toHaveLength(1);
    await context.setOffline(false);
    await panel.until({ status: 'ready' });
    expect(panel.connections).toHaveLength(2);
  });

  test('finds out what it lost while offline', async () => {
    const panel = await open();
    await panel.until({ status: 'ready' });
    // Chromium does not end what is open then: it holds back what arrives, the end of it too.
    await context.setOffline(true);
    await server.faults({ action: 'kill-connections' });
    await context.setOffline(false);
    await panel.event('connection-lost');
    await panel.until({ status: 'ready' });
    expect(panel.connections).toHaveLength(2);
  });

  describe('takes nothing of the former user along', () => {
    const expectBobAlone = async (panel: Panel) => {
      const adasJwts = [...panel.jwts];
      const adasTokens = [...panel.tokens];
      const adasConnections = panel.connections.length;
      await panel.send('from ada');
      await panel.event('Message queued');

      await panel.choose('User', 'Bob');
      await panel.event(/Message not sent ?closed/);
      await panel.until({ status: 'ready', attempt: 1 });
      await panel.send('from bob');
      await panel.message('echo: from bob').waitFor();

      const [connection, ...more] = panel.connections.slice(adasConnections);
      expect(more).toEqual([]);
      expect(adasTokens).not.toContain(connection?.token);
      const jwt = panel.jwts.at(-1);
      expect(adasJwts).not.toContain(jwt);
      expect(connection?.sent.map(parse)).toEqual([
        { type: 'jwt', token: jwt },
        { type: 'message', data: 'from bob' },
      ]);
      expect(parse(connection?.received[0])).toMatchObject({ type: 'ready', user: 'bob' });
    };

    test('when it waits', async () => {
      await server.faults({ user: 'ada', tokenRoute: '503', retryAfter: 60_000 });
      const panel = await open();
      await panel.until({ status: 'waiting', failure: 'token-failed' });
      await expectBobAlone(panel);
    });

    test('in the middle of the init stage', async () => {
      await server.faults({ user: 'ada', init: 'hang' });
      const panel = await open();
      await panel.until({ status: 'authenticating' });
      await expectBobAlone(panel);
    });
  });

  test('serves two tabs at once', async () => {
    const tabs = await Promise.all([open(), open()]);
    for (const tab of tabs) await tab.until({ status: 'ready' });
    const broadcasts = () =>
      tabs.map(({ connections }) =>
        connections.flatMap(({ received }) => received.filter((frame) => /broadcast/.test(frame))),
      );
    await expect
      .poll(() => {
        const [first = [], second = []] = broadcasts();
        return first.some((frame) => second.includes(frame));
      })
      .toBe(true);
    expect(tabs[0]?.tokens).not.toEqual(tabs[1]?.tokens);
  });
});

describe('a ready panel', () => {
  const open = () => openPanel(context, server.url, { panel: 'react', user: 'ada' });
  const states = (panel: Panel) =>
    panel.page.locator('[data-testid="event"][data-tone="ready"]').allTextContents();

  test('shows how its JWT is renewed on the same connection', async () => {
    // Counted in whole seconds, so 2 to 3 s: renewed after 1 to 1.5 s.
    await server.faults({ jwtExpiresIn: 2000 });
    const panel = await open();
    await panel.until({ status: 'ready' });
    const renewals = panel.page.getByTestId('event').filter({ hasText: 'Renewing' });
    await expect.poll(() => renewals.count(), { timeout: 10_000 }).toBeGreaterThan(2);
    await panel.send('still the same');
    await panel.message('echo: still the same').waitFor();

    const [connection] = panel.connections;
    expect(panel.connections).toHaveLength(1);
    const sent = connection?.sent.map(parse).filter(({ type }) => type === 'jwt') ?? [];
    expect(sent.length).toBeGreaterThan(2);
    // A JWT that went before would end as soon.
    expect(sent.map(({ token }) => token)).toEqual(panel.jwts.slice(0, sent.length));
    expect(await states(panel)).toHaveLength(1);
  });

  test('shows a handover, and never stops being ready', async () => {
    await server.faults({ retryAfter: 0 });
    const panel = await open();
    await panel.until({ status: 'ready' });
    await server.faults({ action: 'go-away' });
    await panel.event('the server is going away');
    await panel.event(/two-stage\.v1, on another connection/);
    await panel.send('over the second');
    await panel.message('echo: over the second').waitFor();

    await panel.until({ status: 'ready', attempt: 1 });
    expect(panel.connections).toHaveLength(2);
    expect(panel.connections[1]?.sent.at(-1)).toContain('over the second');
    expect(await states(panel)).toHaveLength(2);
    expect(await panel.page.getByTestId('failure').textContent()).toContain('None so far');
  });
});

/** Runs in the page, before its own scripts: makes the signature of every JWT a bad one. */
function spoilJwts(): void {
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (frame) {
    return send.call(this, String(frame).replace(/\.([\w-]+)"\}$/, '.$1x"}'));
  };
}
