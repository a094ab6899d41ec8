import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeEngines, testWith } from './engines/engines.ts';
import type { Gateway } from './engines/gateway.ts';
import { openPanel, type Panel } from './engines/panel.ts';
import { type Site, startSite } from './engines/site.ts';
import type { Server } from './server.ts';

let site: Site;
let gateway: Gateway;
let server: Server;

beforeAll(async () => {
  site = await startSite();
  ({ gateway, server } = site);
});

afterAll(() => site?.stop());

/** What a frame of `two-stage.v1` says. */
const parse = (frame: string | undefined) => JSON.parse(frame ?? 'null');

/** What a WebSocket of the page comes to that is opened past the client, with this query. */
const dial = ({ page }: Panel, query: string): Promise<string> =>
  page.evaluate(
    (search) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`/demo${search}`);
        socket.onopen = () => resolve('open');
        socket.onclose = ({ code }) => resolve(`closed with ${code}`);
      }),
    query,
  );

describeEngines((kind, engine) => {
  describe.each(['react', 'vue', 'svelte'])('%s', (framework) => {
    const open = (query: Readonly<Record<string, string>> = {}) =>
      openPanel(engine, gateway.url, { panel: framework, user: 'ada', ...query });

    test('goes through both stages, then sends and receives', async () => {
      const panel = await open();
      await panel.until({ status: 'ready', wire: 'two-stage.v1', attempt: 1 });
      await panel.send('hello');
      await panel.message('echo: hello');
      await panel.message(/individual ?ping/);
      await panel.message(/broadcast ?broadcast message/);

      const [connection] = gateway.connections;
      expect(gateway.connections).toHaveLength(1);
      expect(gateway.tokens).toEqual([connection?.token]);
      expect(parse(connection?.sent[0])).toEqual({ type: 'jwt', token: gateway.jwts[0] });
      expect(parse(connection?.received[0])).toMatchObject({ type: 'ready', user: 'ada' });
    });

    test('speaks the original wire too', async () => {
      const panel = await open();
      await panel.until({ status: 'ready' });
      await panel.choose('Wire', 'original');
      await panel.until({ status: 'ready', wire: 'original' });
      await panel.send('hello');
      await panel.message('echo: hello');
      await panel.message(/individual ?ping/);

      const connection = gateway.connections.at(-1);
      expect(connection?.received[0]).toBe('authentication successful');
      expect(connection?.sent).toEqual([
        JSON.stringify({ type: 'jwt', token: gateway.jwts[0] }),
        'hello',
      ]);
    });

    test('does not open a socket without a login', async () => {
      const panel = await open({ user: 'nobody' });
      await panel.until({ status: 'closed', failure: 'unauthorized' });
      expect(gateway.tokens).toEqual([]);
      expect(gateway.connections).toEqual([]);
      expect(await dial(panel, '')).toBe('closed with 1006');

      await panel.choose('User', 'Ada');
      await panel.until({ status: 'ready' });
    });

    test('does not connect with a spent token', async () => {
      const panel = await open();
      await panel.until({ status: 'ready' });
      expect(await dial(panel, `?token=${gateway.tokens[0]}`)).toBe('closed with 1006');
      await panel.until({ status: 'ready', attempt: 1 });
    });

    test('does not connect with an expired token, and fetches another', async () => {
      await server.faults({ tokenExpiresIn: 1 });
      const panel = await open();
      await panel.until({ status: 'waiting', failure: 'connect-failed' });
      for (const { sent, received } of gateway.connections)
        expect([sent, received]).toEqual([[], []]);

      await server.faults({ tokenExpiresIn: null });
      await panel.until({ status: 'ready' });
      expect(new Set(gateway.tokens).size).toBe(gateway.connections.length);
    });

    test('gets no message while it is not authenticated', async () => {
      await server.faults({ user: 'bob', init: 'hang' });
      const bob = await open({ user: 'bob' });
      await bob.until({ status: 'authenticating' });
      const ada = await open();
      await ada.until({ status: 'ready' });
      await ada.message(/ping 3$/);
      expect(await ada.texts('[data-testid="count-broadcast"]')).not.toEqual(['broadcast 0']);

      await bob.until({ status: 'authenticating' });
      const [bobs, ...others] = gateway.connections;
      expect(others).toHaveLength(1);
      expect(bobs?.sent).toHaveLength(1);
      expect(bobs?.received).toEqual([]);
    });

    test('ends with a bad JWT, after one more try with fresh credentials', async () => {
      gateway.scripts = [...gateway.scripts, spoilJwts];
      const panel = await open();
      await panel.until({ status: 'closed', failure: 'unauthorized' });
      expect(gateway.connections).toHaveLength(2);
      expect(new Set(gateway.tokens).size).toBe(2);
      expect(new Set(gateway.jwts).size).toBe(2);
      for (const { received } of gateway.connections) expect(received).toEqual([]);
    });

    test('comes back rarely where the original wire drops it', async () => {
      await server.faults({ wire: 'original', init: 'drop' });
      const panel = await open();
      await panel.until({ status: 'waiting', failure: 'init-dropped', attempt: 2 });
      expect(gateway.tokens).toHaveLength(2);
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
      expect(gateway.tokens).toHaveLength(1);
      expect(gateway.connections.map(({ token }) => token)).toEqual([
        gateway.tokens[0],
        gateway.tokens[0],
      ]);

      await server.faults({ action: 'spend-tokens' });
      await server.faults({ action: 'kill-connections' });
      await panel.event('token-suspect');
      await panel.until({ status: 'ready', failure: 'token-suspect' });
      expect(gateway.tokens).toHaveLength(2);
      expect(gateway.connections.at(-1)?.token).toBe(gateway.tokens[1]);
    });

    test('refreshes the token after a drop', async () => {
      await server.faults({ tokenReusable: true });
      const panel = await open();
      await panel.choose('Token for a retry', 'refresh');
      await panel.until({ status: 'ready' });
      await server.faults({ action: 'kill-connections' });
      await panel.until({ status: 'ready', failure: 'connection-lost' });
      expect(gateway.connections.map(({ token }) => token)).toEqual(gateway.tokens);
      expect(new Set(gateway.tokens).size).toBe(2);
    });

    test('waits while the token route is down, and comes back when it is up', async () => {
      const panel = await open();
      await panel.until({ status: 'ready' });
      await server.faults({ tokenRoute: 'down' });
      await server.faults({ action: 'kill-connections' });
      await panel.until({ status: 'waiting', failure: 'token-failed' });
      expect(gateway.connections).toHaveLength(1);
      await server.faults({ tokenRoute: '503', retryAfter: 100 });
      await panel.event('HTTP 503');
      await server.faults({ action: 'reset' });
      await panel.until({ status: 'ready' });
      expect(gateway.connections).toHaveLength(2);
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
      await panel.message('echo: while it was down');
    });

    testWith(kind, ['setOffline'], 'waits for the network while offline', async () => {
      const panel = await open();
      await panel.until({ status: 'ready' });
      await panel.page.setOffline(true);
      await panel.press('Reconnect');
      await panel.event('until the network is back');
      await panel.until({ status: 'waiting', failure: 'token-failed' });
      expect(gateway.connections).toHaveLength(1);
      await panel.page.setOffline(false);
      await panel.until({ status: 'ready' });
      expect(gateway.connections).toHaveLength(2);
    });

    testWith(kind, ['setOffline'], 'finds out what it lost while offline', async () => {
      const panel = await open();
      await panel.until({ status: 'ready' });
      // Chromium does not end what is open then: it holds back what arrives, the end of it too.
      await panel.page.setOffline(true);
      await server.faults({ action: 'kill-connections' });
      await panel.page.setOffline(false);
      await panel.event('connection-lost');
      await panel.until({ status: 'ready' });
      expect(gateway.connections).toHaveLength(2);
    });

    describe('takes nothing of the former user along', () => {
      const expectBobAlone = async (panel: Panel) => {
        const adasJwts = [...gateway.jwts];
        const adasTokens = [...gateway.tokens];
        const adasConnections = gateway.connections.length;
        await panel.send('from ada');
        await panel.event('Message queued');

        await panel.choose('User', 'Bob');
        await panel.event(/Message not sent ?closed/);
        await panel.until({ status: 'ready', attempt: 1 });
        await panel.send('from bob');
        await panel.message('echo: from bob');

        const [connection, ...more] = gateway.connections.slice(adasConnections);
        expect(more).toEqual([]);
        expect(adasTokens).not.toContain(connection?.token);
        const jwt = gateway.jwts.at(-1);
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
      for (const tab of [await open(), await open()]) await tab.until({ status: 'ready' });
      await expect
        .poll(() => {
          const [first = [], second = []] = gateway.connections.map(({ received }) => received);
          return first.some((frame) => /broadcast/.test(frame) && second.includes(frame));
        })
        .toBe(true);
      expect(new Set(gateway.tokens).size).toBe(2);
    });
  });

  describe('a ready panel', () => {
    const open = () => openPanel(engine, gateway.url, { panel: 'react', user: 'ada' });
    const states = (panel: Panel) => panel.texts('[data-testid="event"][data-tone="ready"]');

    test('shows how its JWT is renewed on the same connection', async () => {
      // Counted in whole seconds, so 2 to 3 s: renewed after 1 to 1.5 s.
      await server.faults({ jwtExpiresIn: 2000 });
      const panel = await open();
      await panel.until({ status: 'ready' });
      await panel.has('[data-testid="event"]', 'Renewing', 3);
      await panel.send('still the same');
      await panel.message('echo: still the same');

      const [connection] = gateway.connections;
      expect(gateway.connections).toHaveLength(1);
      const sent = connection?.sent.map(parse).filter(({ type }) => type === 'jwt') ?? [];
      expect(sent.length).toBeGreaterThan(2);
      // A JWT that went before would end as soon.
      expect(sent.map(({ token }) => token)).toEqual(gateway.jwts.slice(0, sent.length));
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
      await panel.message('echo: over the second');

      await panel.until({ status: 'ready', attempt: 1 });
      expect(gateway.connections).toHaveLength(2);
      expect(gateway.connections[1]?.sent.at(-1)).toContain('over the second');
      expect(await states(panel)).toHaveLength(2);
      await panel.has('[data-testid="failure"]', 'None so far');
    });
  });
});

/** Runs in the page, before its own scripts: makes the signature of every JWT a bad one. */
function spoilJwts(): void {
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (frame) {
    return send.call(this, String(frame).replace(/\.([\w-]+)"\}$/, '.$1x"}'));
  };
}
