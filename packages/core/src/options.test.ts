import { afterEach, describe, expect, test, vi } from 'vitest';
import { toSettings } from './options.ts';
import { rig } from './testing/fakes.test.util.ts';

const settingsOf = (options: object) => toSettings({ url: '/', ...options } as never);

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('an option that cannot be used is refused, by name and with what was expected', () => {
  test.each<[string, object, string]>([
    ['url', { url: undefined }, 'a URL or a function'],
    ['url', { url: '' }, 'a URL or a function'],
    ['url', { url: 'ftp://a.test' }, 'a URL or a function'],
    ['url', { url: 'localhost:8080/x' }, 'a URL or a function'],
    ['url', { url: 42 }, 'a URL or a function'],
    ['url', { url: {} }, 'a URL or a function'],
    ['url', { url: null }, 'a URL or a function'],
    ['url', { url: new URL('ftp://a.test') }, 'a URL or a function'],
    ['getToken', { getToken: 'token' }, 'a function'],
    ['getToken', { getToken: Promise.resolve('token') }, 'a function'],
    ['isReady', { isReady: /ready/ }, 'a function'],
    ['isRejected', { isRejected: 'no' }, 'a function'],
    ['WebSocket', { WebSocket: {} }, 'a function'],
    ['tokenRetry', { tokenRetry: 'never' }, "'refresh' or 'reuse'"],
    ['tokenIn', { tokenIn: 'header' }, "'query', 'subprotocol', { query: name } or a function"],
    ['tokenIn', { tokenIn: null }, "'query', 'subprotocol'"],
    ['tokenIn', { tokenIn: {} }, "'query', 'subprotocol'"],
    ['tokenIn', { tokenIn: { query: 't', subprotocol: true } }, "'query', 'subprotocol'"],
    ['initPayload', { initPayload: undefined }, 'defined'],
    ['codec', { codec: {} }, ''],
    ['codec', { codec: { encode: String } }, ''],
    ['retry.initialDelay', { retry: { initialDelay: -1 } }, 'a number, 0 or more'],
    ['retry.factor', { retry: { factor: Number.NaN } }, 'a number, 0 or more'],
    ['retry.maxDelay', { retry: { maxDelay: '20s' } }, 'a number, 0 or more'],
    ['retry.maxAttempts', { retry: { maxAttempts: null } }, 'a number, 0 or more'],
    ['retry.decide', { retry: { decide: true } }, 'a function'],
    ['timeouts.token', { timeouts: { token: -1 } }, 'a number, 0 or more'],
    ['timeouts.connect', { timeouts: { connect: 'never' } }, 'a number, 0 or more'],
    ['timeouts.init', { timeouts: { init: Number.NaN } }, 'a number, 0 or more'],
    ['queue.maxMessages', { queue: { maxMessages: -1 } }, 'a number, 0 or more'],
    ['queue.maxAge', { queue: { maxAge: '1m' } }, 'a number, 0 or more'],
    ['heartbeat.interval', { heartbeat: { interval: -1 } }, 'a number, 0 or more'],
    ['heartbeat.interval', { heartbeat: { interval: Number.NaN } }, 'a number, 0 or more'],
    ['heartbeat.interval', { heartbeat: { interval: '25s' } }, 'a number, 0 or more'],
    ['heartbeat.timeout', { heartbeat: { timeout: null } }, 'a number, 0 or more'],
    ['heartbeat.ping', { heartbeat: { ping: 'ping' } }, 'a function'],
    ['heartbeat.isPong', { heartbeat: { isPong: /pong/ } }, 'a function'],
    ['heartbeat', { heartbeat: 5000 }, 'an object'],
    ['heartbeat', { heartbeat: true }, 'an object'],
    ['timeouts', { timeouts: [5000] }, 'an object'],
    ['environment.page', { environment: { page: 'hidden' } }, 'an object'],
    ['prefetch', { prefetch: 'false' }, 'true or false'],
    ['environment.now', { environment: { now: 5 } }, 'a function'],
    ['environment.page.visible', { environment: { page: { visible: false } } }, 'a function'],
    ['environment.page.on', { environment: { page: { on: {} } } }, 'a function'],
    ['environment.page.online', { environment: { page: { online: true } } }, 'a function'],
  ])('%s: %o', (name, options, expected) => {
    expect(() => settingsOf(options)).toThrow(TypeError);
    expect(() => settingsOf(options)).toThrow(`TwoStageSocket: ${name} must be ${expected}`);
  });

  test('no options at all', () => {
    expect(() => toSettings(undefined as never)).toThrow('TwoStageSocket: url must be');
    expect(() => toSettings({} as never)).toThrow('TwoStageSocket: url must be');
  });
});

test.each([
  { url: '/socket' },
  { url: 'socket?x=1' },
  { url: '//a.test/x' },
  { url: 'WSS://a.test' },
  { url: 'http://a.test' },
  { url: new URL('https://a.test') },
  { url: () => '/' },
  { getToken: undefined, isReady: undefined, WebSocket: undefined },
  { tokenRetry: undefined, tokenIn: undefined, retry: undefined, queue: undefined },
  { tokenIn: { query: 'ticket' } },
  { initPayload: null },
  { initPayload: 0 },
  { retry: { maxAttempts: Number.POSITIVE_INFINITY, initialDelay: undefined } },
  { timeouts: { token: 0 } },
  { heartbeat: false },
  { heartbeat: undefined },
  { heartbeat: {} },
  { heartbeat: { interval: 0, ping: undefined } },
  { environment: { page: {} } },
  { environment: { page: { on: () => () => {} } } },
])('%o can be used', (options) => {
  expect(() => settingsOf(options)).not.toThrow();
});

test('the defaults are those of the documentation', () => {
  expect(settingsOf({})).toMatchObject({
    retry: {
      initialDelay: 2000,
      maxDelay: 20_000,
      factor: 1.5,
      minDelay: 250,
      maxAttempts: Number.POSITIVE_INFINITY,
      stableAfter: 10_000,
    },
    timeouts: { token: 10_000, connect: 10_000, init: 10_000 },
    heartbeat: { interval: 0, timeout: 10_000 },
    queue: { maxMessages: 1000, maxBytes: 1_048_576, maxAge: 60_000, maxBuffered: 1_048_576 },
  });
});

test('what is given goes over the defaults, member by member, and an undefined member is none', () => {
  const { retry, queue, heartbeat } = settingsOf({
    retry: { maxDelay: 5, factor: undefined },
    queue: false,
    heartbeat: { timeout: 5, interval: undefined },
  });
  expect(retry).toMatchObject({ maxDelay: 5, factor: 1.5, initialDelay: 2000 });
  expect(queue).toBe(false);
  expect(heartbeat).toMatchObject({ timeout: 5, interval: 0 });
  expect(settingsOf({ heartbeat: false }).heartbeat).toBe(false);
});

test('a heartbeat may be an object of a class; by default it asks nothing and takes nothing for a pong', () => {
  class Beat {
    sent = 0;
    ping() {
      this.sent += 1;
      return `ping ${this.sent}`;
    }
  }
  const given = settingsOf({ heartbeat: new Beat() }).heartbeat;
  expect(given && [given.ping(), given.ping()]).toEqual(['ping 1', 'ping 2']);
  const { heartbeat } = settingsOf({});
  expect(heartbeat && [heartbeat.ping(), heartbeat.isPong('pong')]).toEqual([undefined, false]);
});

test('an environment may be an object of a class, with more members than are asked for', () => {
  class World {
    time = 5;
    now() {
      return this.time;
    }
  }
  const { environment } = settingsOf({ environment: new World() });
  const { now, random } = environment;
  expect(now()).toBe(5);
  expect(random()).toBeLessThan(1);
});

describe('the default environment', () => {
  test('has the time, the chance and the timers of the platform, looked up when they are used', () => {
    const { now, random, after } = settingsOf({}).environment;
    vi.spyOn(Date, 'now').mockReturnValue(7);
    vi.spyOn(Math, 'random').mockReturnValue(0.7);
    const [set, clear] = [vi.fn(() => 'id'), vi.fn()];
    vi.stubGlobal('setTimeout', set);
    vi.stubGlobal('clearTimeout', clear);
    expect([now(), random()]).toEqual([7, 0.7]);
    const callback = () => {};
    after(50, callback)();
    expect(set.mock.calls).toEqual([[callback, 50]]);
    expect(clear.mock.calls).toEqual([['id']]);
  });

  test('never asks for a timer so long that it would fire at once', () => {
    const set = vi.fn();
    vi.stubGlobal('setTimeout', set);
    settingsOf({}).environment.after(Number.POSITIVE_INFINITY, () => {});
    expect(set.mock.calls[0]?.[1]).toBe(2_147_483_647);
  });

  test('hears of the page from the global scope, and no longer than it is asked to', () => {
    const scope = new EventTarget();
    vi.stubGlobal('addEventListener', scope.addEventListener.bind(scope));
    vi.stubGlobal('removeEventListener', scope.removeEventListener.bind(scope));
    const { page } = settingsOf({}).environment;
    const events = ['online', 'visibilitychange', 'resume', 'pagehide', 'pageshow'] as const;
    for (const event of events) {
      const listener = vi.fn();
      const off = page.on(event, listener);
      scope.dispatchEvent(new Event(event));
      off();
      scope.dispatchEvent(new Event(event));
      expect(listener).toHaveBeenCalledTimes(1);
    }
  });

  test('hears of the events of the document on their way down, since not all of them bubble', () => {
    const [add, remove] = [vi.fn(), vi.fn()];
    vi.stubGlobal('addEventListener', add);
    vi.stubGlobal('removeEventListener', remove);
    const listener = () => {};
    settingsOf({}).environment.page.on('resume', listener)();
    expect(add.mock.calls).toEqual([['resume', listener, { capture: true }]]);
    // One that is removed without it stays.
    expect(remove.mock.calls).toEqual(add.mock.calls);
  });

  test.each([
    [undefined, true],
    [{}, true],
    [{ visibilityState: 'visible' }, true],
    [{ visibilityState: 'prerender' }, true],
    [{ visibilityState: 'hidden' }, false],
  ])('takes a page for seen unless its document is hidden: %j', (document, visible) => {
    vi.stubGlobal('document', document);
    expect(settingsOf({}).environment.page.visible()).toBe(visible);
  });

  test('does without events where there are none, as in React Native', () => {
    vi.stubGlobal('addEventListener', undefined);
    vi.stubGlobal('removeEventListener', undefined);
    const off = settingsOf({}).environment.page.on('online', () => {});
    expect(off).not.toThrow();
  });

  test.each([
    [undefined, true],
    [{}, true],
    [{ onLine: true }, true],
    [{ onLine: false }, false],
  ])(
    'believes in the network unless the navigator is sure that there is none: %j',
    (navigator, online) => {
      vi.stubGlobal('navigator', navigator);
      expect(settingsOf({}).environment.page.online()).toBe(online);
    },
  );
});

describe('configure', () => {
  test('keeps what was said before, and nothing of what it refused', async () => {
    const { socket, become } = rig({ tokenIn: 'query' });
    socket.configure({ url: 'wss://other.test/a' });
    expect(() => socket.configure({ tokenIn: 'never' } as any)).toThrow('tokenIn');
    socket.configure({ tokenIn: { query: 'ticket' } });
    const ws = await become('authenticating');
    expect(ws.url).toBe('wss://other.test/a?ticket=token-1');
  });
});
