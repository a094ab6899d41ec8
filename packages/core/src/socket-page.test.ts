import { afterEach, describe, expect, test, vi } from 'vitest';
import type { TwoStageError } from './errors.ts';
import {
  deferred,
  FakeEnvironment,
  never,
  nothing,
  originalAck,
  type Rig,
  rig,
  settle,
  waitLeft,
} from './testing/fakes.test.util.ts';
import { pings, rigV1 } from './testing/v1.test.util.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Ways to be in every state that is open. */
const states: { readonly [name: string]: (r: Rig) => unknown } = {
  'fetching-token': ({ socket }) => socket.connect(),
  connecting: ({ dial }) => dial(),
  authenticating: ({ become }) => become('authenticating'),
  ready: ({ become }) => become('ready'),
  waiting: async ({ dial }) => (await dial()).drop(),
  'waiting for the network': async ({ dial, world }) => {
    const ws = await dial();
    world.goOffline();
    ws.drop();
  },
  'waiting to be seen': async ({ dial, world }) => {
    const ws = await dial();
    world.hide();
    ws.drop();
    await world.advance(2000);
  },
};
/** What a page may be in that has something to let go of. */
const holding = Object.entries(states).filter(([name]) => !name.startsWith('waiting'));
const stageOf: { readonly [name: string]: string } = {
  'fetching-token': 'token',
  connecting: 'connect',
  authenticating: 'init',
};
const away = { status: 'waiting', until: 'shown', failure: { code: 'page-hidden' } };

describe('a network that is gone', () => {
  test('is waited for, whatever the delay, and its return ends the wait within a second', async () => {
    const { socket, world, dial, dialled } = rig();
    const ws = await dial();
    world.goOffline();
    ws.drop();
    expect(socket.getSnapshot()).toMatchObject({ status: 'waiting', until: 'online' });
    await world.advance(3_600_000);
    expect(dialled).toHaveLength(1);
    world.goOnline();
    expect(waitLeft(socket, world)).toBe(500);
    await world.advance(500);
    expect(dialled).toHaveLength(2);
  });

  test('that leaves during the wait is waited for at its end', async () => {
    const { socket, world, dial, dialled } = rig();
    (await dial()).drop();
    world.goOffline();
    await world.advance(1000);
    expect(socket.getSnapshot()).toMatchObject({ until: 'online' });
    expect(socket.getSnapshot()).not.toHaveProperty('retryAt');
    expect(dialled).toHaveLength(1);
  });

  test('does not end a connection: the heartbeat finds out', async () => {
    const { socket, world, ready } = rigV1();
    await ready({ heartbeat: 25_000 });
    world.goOffline();
    await world.advance(34_999);
    expect(socket.getSnapshot().status).toBe('ready');
    await world.advance(1);
    expect(socket.getSnapshot()).toMatchObject({
      until: 'online',
      failure: { code: 'heartbeat-timeout' },
    });
  });

  test('does not keep a first connect() from trying', async () => {
    const { world, dial, dialled } = rig();
    world.goOffline();
    world.hide();
    await dial();
    expect(dialled).toHaveLength(1);
  });
});

describe('a network that is back', () => {
  test('makes no wait longer that is nearly over', async () => {
    const { socket, world, dial, dialled } = rig();
    (await dial()).drop();
    await world.advance(900);
    for (let event = 1; event <= 3; event += 1) world.goOnline();
    expect(waitLeft(socket, world)).toBe(100);
    await world.advance(100);
    expect(dialled).toHaveLength(2);
  });

  test('and back again puts the next try off no longer', async () => {
    const { world, dial, dialled } = rig();
    (await dial()).drop();
    for (let quarter = 1; quarter <= 12; quarter += 1) {
      world.goOnline();
      await world.advance(250);
    }
    expect(dialled).toHaveLength(2);
  });

  test('finds no wait that is over, though the clock was set back meanwhile', async () => {
    const { world, dial, dialled } = rig();
    (await dial()).drop();
    await world.advance(1000);
    world.setClock(world.now() - 3_600_000);
    world.goOnline();
    await world.advance(1000);
    expect(dialled).toHaveLength(2);
  });

  test('hurries nobody whom the server told when to come back', async () => {
    const { socket, world, become, dialled } = rig();
    (await become('ready')).drop(1012, 'retry-after=30000');
    const left = waitLeft(socket, world);
    world.goOnline();
    socket.check();
    expect(waitLeft(socket, world)).toBe(left);
    await world.advance(29_999);
    expect(dialled).toHaveLength(1);
  });
});

describe('a hidden page', () => {
  test('does not retry until it is seen, and then does so at once', async () => {
    const { socket, world, become, dialled, tokenCalls } = rig();
    const ws = await become('ready');
    world.hide();
    ws.drop();
    expect(socket.getSnapshot()).toMatchObject({ status: 'waiting', retryAt: expect.any(Number) });
    await world.advance(3_600_000);
    expect(socket.getSnapshot()).toMatchObject({ status: 'waiting', until: 'visible' });
    expect([dialled.length, tokenCalls.length]).toEqual([1, 1]);
    world.show();
    await world.advance(0);
    expect(dialled).toHaveLength(2);
  });

  test('keeps a connection that it has', async () => {
    const { socket, world, become } = rig();
    await become('ready');
    world.hide();
    await world.advance(3_600_000);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('goes on with an attempt that has begun', async () => {
    const { socket, world, dial } = rig();
    const ws = await dial();
    world.hide();
    ws.accept();
    await settle();
    ws.say(originalAck);
    expect(socket.getSnapshot().status).toBe('ready');
  });
});

describe('pagehide', () => {
  test.each(holding)('from %s lets go of everything at once', async (name, enter) => {
    const r = rigV1();
    await enter(r);
    const { socket, world, events, dialled, tokenCalls } = r;
    const [told, asked] = [events.length, tokenCalls.length];
    world.tell('pagehide');
    expect(socket.getSnapshot()).toMatchObject({
      ...away,
      failure: { stage: stageOf[name] ?? 'ready', code: 'page-hidden', retryable: true },
    });
    expect(socket.getSnapshot()).not.toHaveProperty('retryAt');
    for (const { live, attached } of dialled) expect([live, attached]).toEqual([false, false]);
    expect(world.timers).toBe(0);
    world.hide();
    world.goOnline();
    world.tell('resume');
    socket.check();
    await world.advance(3_600_000);
    expect(events.slice(told)).toEqual(['state waiting']);
    expect([socket.getSnapshot().status, tokenCalls.length]).toEqual(['waiting', asked]);
  });

  test('leaves a wait alone, and what the server said of it', async () => {
    const { socket, world, become } = rig();
    (await become('ready')).drop(1012, 'retry-after=30000');
    const before = socket.getSnapshot();
    world.tell('pagehide');
    world.hide();
    world.show();
    world.tell('pageshow');
    expect(socket.getSnapshot()).toBe(before);
    expect(waitLeft(socket, world)).toBe(30_500);
  });

  test('closes the connection with 1000, and aborts what the app is asked', async () => {
    const getToken = vi.fn((_: { signal: AbortSignal }) => never<string>());
    const { socket, world } = rig({ getToken });
    socket.connect();
    world.tell('pagehide');
    expect(getToken.mock.calls[0]?.[0].signal.aborted).toBe(true);
    const other = rig();
    const ws = await other.become('ready');
    other.world.tell('pagehide');
    expect(ws.closedWith?.code).toBe(1000);
  });

  test('without a pageshow ends when the page is seen: some browsers say no more', async () => {
    const { world, become, tokenCalls } = rig();
    await become('ready');
    world.tell('pagehide');
    world.hide();
    world.show();
    expect(tokenCalls.at(-1)?.reason).toBe('page-hidden');
  });

  test('twice, and with no pageshow between, is once', async () => {
    const { socket, world, become, dialled } = rig();
    await become('ready');
    world.tell('pagehide');
    world.tell('pagehide');
    expect(socket.getSnapshot()).toMatchObject(away);
    world.tell('pageshow');
    await settle();
    expect(dialled).toHaveLength(2);
  });

  test('keeps who waits for ready() waiting', async () => {
    const { socket, world, become } = rig();
    socket.connect();
    const ready = socket.ready();
    world.tell('pagehide');
    world.tell('pageshow');
    await become('ready');
    expect(await ready).toBe(originalAck);
  });

  test('ends the wait that it interrupts: nothing of it is left at pageshow', async () => {
    const { socket, world, dial, become, dialled } = rig();
    (await dial()).drop();
    world.tell('pagehide');
    world.tell('pageshow');
    await become('ready');
    await world.advance(60_000);
    expect(dialled.filter(({ live }) => live)).toHaveLength(1);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('of a socket that is not open is nothing', async () => {
    const { socket, world, become, events } = rig();
    world.tell('pagehide');
    expect(socket.getSnapshot()).toEqual({ status: 'idle' });
    await become('ready');
    socket.close();
    const told = events.length;
    world.tell('pagehide');
    world.tell('pageshow');
    await world.advance(60_000);
    expect(events).toHaveLength(told);
  });

  test('whose abort makes the app close the socket leaves it closed', async () => {
    const { socket, world, leaks } = rig({
      getToken: ({ signal }: { signal: AbortSignal }) => {
        signal.addEventListener('abort', () => socket.close());
        return never();
      },
    });
    socket.connect();
    world.tell('pagehide');
    expect(socket.getSnapshot()).toEqual({ status: 'closed', failure: undefined });
    expect(leaks()).toEqual(nothing);
  });

  test('starts the count of tries over if the connection was stable, and else goes on with it', async () => {
    for (const [ms, attempt] of [
      [10_000, 1],
      [9999, 2],
    ] as const) {
      const { socket, world, dial, become } = rig();
      (await dial()).drop();
      await become('ready');
      await world.advance(ms);
      world.tell('pagehide');
      expect(socket.getSnapshot()).toMatchObject({ ...away, attempt });
    }
  });

  test('carries no secret in its failure', async () => {
    const { socket, world, become } = rig();
    await become('ready');
    world.tell('pagehide');
    const { failure } = socket.getSnapshot() as { failure: TwoStageError };
    expect(JSON.stringify([failure, failure.message, failure.stack])).not.toMatch(/token-1|jwt-1/);
    expect(failure.message).toContain('errors.md#page-hidden');
  });
});

describe('pageshow', () => {
  test.each(holding)(
    'after a pagehide from %s comes back at once, with fresh credentials',
    async (_name, enter) => {
      const r = rig();
      await enter(r);
      const { socket, world, become, tokenCalls, payloadCalls, dialled } = r;
      world.tell('pagehide');
      world.isOnline = world.isVisible = true;
      await world.advance(3_600_000);
      world.tell('pageshow');
      expect(socket.getSnapshot()).toMatchObject({ failure: { code: 'page-hidden' } });
      await become('ready');
      expect(payloadCalls.at(-1)).toMatchObject({ reason: 'page-hidden' });
      expect(dialled.filter(({ live }) => live)).toHaveLength(1);
      // One that came as the page was put away has not been out, and is as good as a fresh one.
      if (dialled.length > 1) expect(tokenCalls.at(-1)).toMatchObject({ reason: 'page-hidden' });
      const used = dialled.map(({ token }) => token);
      expect(new Set(used).size).toBe(used.length);
    },
  );

  test('needs neither a network that is believed in nor a page that is seen', async () => {
    const { world, become, dialled } = rig();
    await become('ready');
    world.tell('pagehide');
    world.isOnline = world.isVisible = false;
    world.tell('pageshow');
    await settle();
    expect(dialled).toHaveLength(2);
  });

  test.each(Object.keys(states))(
    'is nothing in state %s: the first of a page load, for one',
    async (name) => {
      const r = rigV1();
      await states[name]?.(r);
      const { socket, world, events, dialled } = r;
      const [before, told] = [socket.getSnapshot(), events.length];
      world.tell('pageshow');
      await settle();
      expect(events.slice(told).filter((event) => event !== 'state connecting')).toEqual([]);
      if (name !== 'fetching-token') expect(socket.getSnapshot()).toBe(before);
      expect(dialled.map(pings).join()).toMatch(/^0?$/);
    },
  );

  test('sends what was queued while the page was away, once it is ready', async () => {
    const { socket, world, become } = rig();
    await become('ready');
    world.tell('pagehide');
    expect([socket.send('a'), socket.send('b')]).toEqual(['queued', 'queued']);
    world.tell('pageshow');
    const ws = await become('ready');
    expect(ws.sent.slice(1)).toEqual(['a', 'b']);
  });

  test('after close() while the page was away is nothing', async () => {
    const { socket, world, become, dialled, leaks, events } = rig();
    await become('ready');
    world.tell('pagehide');
    socket.send('unsent');
    socket.close();
    const told = events.slice(-3);
    expect(told).toEqual(['state closed', 'unsent "unsent" closed', 'close']);
    world.tell('pageshow');
    await world.advance(60_000);
    expect(dialled).toHaveLength(1);
    expect(events.slice(-3)).toEqual(told);
    expect(leaks()).toEqual(nothing);
  });

  test('after the last holder let go is nothing', async () => {
    const { socket, world, become, dialled, leaks } = rig();
    const release = socket.retain();
    await become('ready');
    world.tell('pagehide');
    release();
    await world.advance(1000);
    expect(socket.getSnapshot().status).toBe('closed');
    world.tell('pageshow');
    await world.advance(60_000);
    expect(dialled).toHaveLength(1);
    expect(leaks()).toEqual(nothing);
  });

  test('after reconnect() while the page was away leaves that alone', async () => {
    const { socket, world, become, dialled } = rig();
    await become('ready');
    world.tell('pagehide');
    socket.reconnect();
    await become('ready');
    world.tell('pageshow');
    await world.advance(60_000);
    expect(socket.getSnapshot().status).toBe('ready');
    expect(dialled).toHaveLength(2);
  });

  test('uses the token in hand where it may go out again', async () => {
    const { world, become, tokenCalls, last } = rig({ tokenRetry: 'reuse' });
    await become('ready');
    world.tell('pagehide');
    world.tell('pageshow');
    await become('ready');
    expect([tokenCalls.length, last().token]).toEqual([1, 'token-1']);
  });
});

describe('check()', () => {
  test('hurries a wait, as the return of the network does', async () => {
    const { socket, world, dial, dialled } = rig();
    for (let tries = 1; tries <= 8; tries += 1) (await dial()).drop();
    expect(waitLeft(socket, world)).toBeGreaterThan(5000);
    socket.check();
    expect(waitLeft(socket, world)).toBe(500);
    await world.advance(500);
    expect(dialled).toHaveLength(9);
  });

  test('brings nobody back who waits for a network that is not there, or to be seen', async () => {
    const { socket, world, dial, dialled } = rig();
    const ws = await dial();
    world.goOffline();
    ws.drop();
    const before = socket.getSnapshot();
    socket.check();
    expect(socket.getSnapshot()).toBe(before);
    world.isVisible = false;
    world.isOnline = true;
    socket.check();
    expect(socket.getSnapshot()).toMatchObject({ until: 'visible' });
    await world.advance(60_000);
    expect(dialled).toHaveLength(1);
  });

  test('opens nothing', async () => {
    const { socket, world, become, events, leaks } = rig();
    socket.check();
    await world.advance(60_000);
    expect(events).toEqual([]);
    await become('ready');
    socket.close();
    const told = events.length;
    socket.check();
    await world.advance(60_000);
    expect(events).toHaveLength(told);
    expect(leaks()).toEqual(nothing);
  });
});

describe('the page is listened to', () => {
  test('from when the socket opens until it closes, once, however often it comes back', async () => {
    const { socket, world, become } = rig();
    expect(world.pageListeners).toBe(0);
    const ws = await become('ready');
    expect(world.pageListeners).toBe(5);
    ws.drop();
    await become('ready');
    socket.reconnect();
    await become('ready');
    world.tell('pagehide');
    world.tell('pageshow');
    await become('ready');
    expect(world.pageListeners).toBe(5);
    socket.close();
    expect(world.pageListeners).toBe(0);
    socket.connect();
    expect(world.pageListeners).toBe(5);
    socket.close();
    expect(world.pageListeners).toBe(0);
  });

  test('no longer than until a failure that is final', async () => {
    const { socket, world, become } = rig();
    (await become('ready')).drop(4403);
    expect(socket.getSnapshot().status).toBe('closed');
    expect(world.pageListeners).toBe(0);
  });

  test('in a world that has only some of it, as React Native', async () => {
    const heard = new Map<string, () => void>();
    const { socket, world, dial, become, dialled } = rig();
    let isOnline = true;
    socket.configure({
      environment: {
        now: world.now,
        random: world.random,
        after: world.after,
        page: {
          online: () => isOnline,
          on(event, listener) {
            if (event === 'online') heard.set(event, listener);
            return () => heard.delete(event);
          },
        },
      },
    });
    const ws = await dial();
    isOnline = false;
    ws.drop();
    expect(socket.getSnapshot()).toMatchObject({ until: 'online' });
    isOnline = true;
    heard.get('online')?.();
    await world.advance(500);
    expect(dialled).toHaveLength(2);
    await become('ready');
    socket.close();
    expect(heard.size).toBe(0);
  });

  test('through one function alone, the others being the defaults', async () => {
    for (const page of [
      {},
      { online: () => true },
      { visible: () => true },
      { on: () => () => {} },
    ]) {
      const { socket, world, become } = rig();
      const { now, random, after } = world;
      socket.configure({ environment: { now, random, after, page } });
      (await become('ready')).drop();
      await become('ready');
      expect(socket.getSnapshot().status).toBe('ready');
      socket.close();
    }
  });

  test('by the default in a browser: bfcache and back', async () => {
    const scope = new EventTarget();
    vi.stubGlobal('addEventListener', scope.addEventListener.bind(scope));
    vi.stubGlobal('removeEventListener', scope.removeEventListener.bind(scope));
    const { socket, world, become } = rig();
    const { now, random, after } = world;
    socket.configure({ environment: { now, random, after } });
    await become('ready');
    scope.dispatchEvent(new Event('pagehide'));
    expect(socket.getSnapshot()).toMatchObject(away);
    scope.dispatchEvent(new Event('pageshow'));
    await become('ready');
    expect(socket.getSnapshot().status).toBe('ready');
    socket.close();
    scope.dispatchEvent(new Event('pagehide'));
    expect(socket.getSnapshot().status).toBe('closed');
  });
});

test('a payload that comes after the page was put away goes nowhere', async () => {
  const payload = deferred<string>();
  const { world, dial, leaks } = rig({ initPayload: () => payload.promise });
  const ws = await dial();
  ws.accept();
  world.tell('pagehide');
  payload.resolve('jwt');
  await settle();
  expect(ws.sent).toEqual([]);
  expect(leaks().late).toBe(0);
});

test('a page that gives nothing to stop listening by is listened to all the same', async () => {
  const world = new FakeEnvironment();
  const page = { on: () => undefined as unknown as () => void };
  const { socket, become, events } = rig({ environment: { ...world, page } });
  await become('ready');
  socket.close();
  expect(events.at(-1)).toBe('close');
});

test('a page is listened to where a listener to the abort of close() has opened the socket again', async () => {
  const { socket, world, tokenCalls, dial, leaks } = rig();
  await dial();
  tokenCalls[0]?.signal.addEventListener('abort', () => socket.connect());
  socket.close();
  world.tell('pagehide');
  expect(socket.getSnapshot()).toMatchObject(away);
  socket.close();
  expect(leaks()).toEqual(nothing);
});
