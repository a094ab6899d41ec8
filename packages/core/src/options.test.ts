import { afterEach, describe, expect, test, vi } from 'vitest';
import { toSettings } from './options.ts';

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
    ['retry.initialDelay', { retry: { initialDelay: -1 } }, '0 or more'],
    ['retry.factor', { retry: { factor: Number.NaN } }, '0 or more'],
    ['retry.maxDelay', { retry: { maxDelay: '20s' } }, '0 or more'],
    ['retry.maxAttempts', { retry: { maxAttempts: null } }, '0 or more'],
    ['retry.decide', { retry: { decide: true } }, 'a function'],
    ['timeouts.token', { timeouts: { token: -1 } }, '0 or more'],
    ['timeouts.connect', { timeouts: { connect: 'never' } }, '0 or more'],
    ['timeouts.init', { timeouts: { init: Number.NaN } }, '0 or more'],
    ['queue.maxMessages', { queue: { maxMessages: -1 } }, '0 or more'],
    ['queue.maxAge', { queue: { maxAge: '1m' } }, '0 or more'],
    ['environment.now', { environment: { now: 5 } }, 'a function'],
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
    queue: { maxMessages: 1000, maxBytes: 1_048_576, maxAge: 60_000, maxBuffered: 1_048_576 },
  });
});

test('what is given goes over the defaults, member by member, and an undefined member is none', () => {
  const { retry, queue } = settingsOf({
    retry: { maxDelay: 5, factor: undefined },
    queue: false,
  });
  expect(retry).toMatchObject({ maxDelay: 5, factor: 1.5, initialDelay: 2000 });
  expect(queue).toBe(false);
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

  test('hears of the network from the global scope', () => {
    const scope = new EventTarget();
    vi.stubGlobal('addEventListener', scope.addEventListener.bind(scope));
    vi.stubGlobal('removeEventListener', scope.removeEventListener.bind(scope));
    const listener = vi.fn();
    const off = settingsOf({}).environment.page.on('online', listener);
    scope.dispatchEvent(new Event('online'));
    off();
    scope.dispatchEvent(new Event('online'));
    expect(listener).toHaveBeenCalledTimes(1);
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
