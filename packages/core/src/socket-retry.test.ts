import { afterEach, describe, expect, test, vi } from 'vitest';
import type { TwoStageError } from './errors.ts';
import {
  FakeWebSocket,
  never,
  nothing,
  originalAck,
  rig,
  settle,
  waitLeft,
} from './testing/fakes.test.util.ts';
import type { State, UrlContext } from './types.ts';

const failureOf = (state: State) => ('failure' in state ? state.failure : undefined);

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('the stages are bounded', () => {
  const hang = { getToken: 'token', url: 'token', WebSocket: 'connect', initPayload: 'init' };
  test.each(Object.entries(hang))('a %s that never settles fails stage %s', async (name, stage) => {
    const options = name === 'WebSocket' ? {} : { [name]: () => never() };
    const { socket, world, last } = rig({
      ...options,
      timeouts: { token: 1000, connect: 2000, init: 3000 },
    });
    const limit = { token: 1000, connect: 2000, init: 3000 }[stage] ?? 0;
    socket.connect();
    await settle();
    if (stage === 'init') last().accept();
    await world.advance(limit - 1);
    expect(socket.getSnapshot().status).not.toBe('waiting');
    await world.advance(1);
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { stage, code: `${stage}-timeout`, retryable: true },
    });
    socket.close();
  });

  test('by ten seconds each unless said otherwise', async () => {
    const { socket, world, last } = rig();
    socket.connect();
    await settle();
    await world.advance(9999);
    last().accept();
    await world.advance(9999);
    expect(socket.getSnapshot().status).toBe('authenticating');
    last().say(originalAck);
    await world.advance(600_000);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('the token stage bounds getToken and url together', async () => {
    const slowly = <T>(value: T) =>
      new Promise<T>((resolve) => world.after(6000, () => resolve(value)));
    const { socket, world } = rig({
      getToken: () => slowly('token'),
      url: () => slowly('wss://example.test'),
    });
    socket.connect();
    await world.advance(10_000);
    expect(failureOf(socket.getSnapshot())?.code).toBe('token-timeout');
  });

  test.each(['token', 'connect', 'init'])('0 takes the bound of stage %s off', async (stage) => {
    const { socket, world, last } = rig({
      timeouts: { [stage]: 0 },
      ...(stage === 'token' && { getToken: () => never() }),
    });
    socket.connect();
    await settle();
    if (stage === 'init') last().accept();
    const before = socket.getSnapshot();
    await world.advance(3_600_000);
    expect(socket.getSnapshot()).toBe(before);
  });
});

describe('what goes wrong is a typed failure of its stage, and is tried again unless that cannot help', () => {
  const boom = new Error('boom');
  const refuse = () => {
    throw boom;
  };
  const app: [string, object, object][] = [
    ['getToken that throws', { getToken: refuse }, { stage: 'token', code: 'token-failed' }],
    [
      'getToken that rejects',
      { getToken: () => Promise.reject(boom) },
      { stage: 'token', code: 'token-failed' },
    ],
    ['initPayload that throws', { initPayload: refuse }, { stage: 'init', code: 'init-failed' }],
  ];
  test('a url that throws, whose error may hold the token it was given, and is not told', async () => {
    const { socket } = rig({
      url: ({ token }: UrlContext) => new URL(`http://bad host/?token=${token?.token}`),
    });
    socket.connect();
    await settle();
    const { failure } = socket.getSnapshot() as { failure: TwoStageError };
    expect(failure).toMatchObject({ stage: 'token', code: 'url-failed', cause: undefined });
  });

  test.each(app)('a %s', async (_name, options, failure) => {
    const { socket, events } = rig(options);
    socket.connect();
    await settle();
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { ...failure, retryable: true, cause: boom },
    });
    expect(events.slice(-2)).toEqual(['state waiting', expect.stringMatching(/^error /)]);
  });

  test.each([undefined, null, '', 5, {}, { token: 5 }, { token: '' }])(
    'a getToken that gives %j, which is no token',
    async (given) => {
      const { socket } = rig({ getToken: () => given });
      socket.connect();
      await settle();
      expect(failureOf(socket.getSnapshot())).toMatchObject({
        stage: 'token',
        code: 'token-failed',
        cause: expect.any(TypeError),
      });
    },
  );

  test('an initPayload that gives undefined, or what has no JSON', async () => {
    for (const given of [undefined, Symbol('no JSON')]) {
      const { socket, dial } = rig({ initPayload: () => given });
      (await dial().catch(() => undefined))?.accept();
      await settle();
      expect(failureOf(socket.getSnapshot())).toMatchObject({ stage: 'init', code: 'init-failed' });
    }
  });

  test.each([401, 403])(
    'getToken, url and initPayload that throw HTTP %d are final',
    async (status) => {
      for (const name of ['getToken', 'url', 'initPayload']) {
        const { socket, leaks } = rig({ [name]: () => Promise.reject({ status }) });
        socket.connect();
        await settle();
        expect(socket.getSnapshot()).toMatchObject({
          status: 'closed',
          failure: { code: 'unauthorized', status, retryable: false },
        });
        expect(leaks()).toEqual(nothing);
      }
    },
  );

  test('a Response may be thrown as it is', async () => {
    const headers = { 'retry-after': '7' };
    const { socket, world } = rig({
      getToken: () => Promise.reject(new Response(null, { status: 429, headers })),
    });
    world.chance = 0;
    socket.connect();
    await settle();
    expect(failureOf(socket.getSnapshot())).toMatchObject({ status: 429, retryAfter: 7000 });
    expect(waitLeft(socket, world)).toBe(7000);
  });

  const network = { stage: 'connect', code: 'connect-failed' };
  const ends: [string, 'connect' | 'init' | 'ready', number, object | string][] = [
    ['a broken network before open', 'connect', 1006, network],
    ['a drop between init and ack', 'init', 1006, { stage: 'init', code: 'init-dropped' }],
    ['a polite drop between init and ack', 'init', 1000, { stage: 'init', code: 'init-dropped' }],
    ['init timeout, said by the server', 'init', 4408, { stage: 'init', code: 'init-timeout' }],
    ['unauthorized', 'init', 4401, { stage: 'init', code: 'unauthorized' }],
    ['a restart during init', 'init', 1012, { stage: 'init', code: 'server-busy' }],
    ['overload during init', 'init', 1013, { stage: 'init', code: 'server-busy' }],
    ['a loss', 'ready', 1006, { stage: 'ready', code: 'connection-lost' }],
    ['a close by the server, 1000', 'ready', 1000, { stage: 'ready', code: 'connection-lost' }],
    ['a close without a code', 'ready', 1005, { stage: 'ready', code: 'connection-lost' }],
    ['a restart', 'ready', 1012, { stage: 'ready', code: 'server-busy' }],
    ['too many messages', 'ready', 4429, { stage: 'ready', code: 'server-busy' }],
    ['an expired JWT', 'ready', 4401, { stage: 'ready', code: 'unauthorized' }],
    ['an unknown code', 'ready', 4999, { stage: 'ready', code: 'connection-lost' }],
  ];
  test.each(ends)('%s (%s, %d)', async (_name, stage, closeCode, failure) => {
    const { socket, dial, become } = rig();
    const ws =
      stage === 'connect'
        ? await dial()
        : await become(stage === 'init' ? 'authenticating' : 'ready');
    ws.drop(closeCode);
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { ...(failure as object), closeCode, retryable: true },
    });
  });

  test('a close event that tells nothing, as React Native has them, is a broken network', async () => {
    const { socket, become } = rig();
    (await become('ready')).onclose?.({});
    expect(failureOf(socket.getSnapshot())).toMatchObject({
      code: 'connection-lost',
      closeCode: 1006,
    });
  });

  const finals: [number, string][] = [
    [4403, 'forbidden'],
    [4400, 'protocol-error'],
  ];
  test.each(finals)('%d is final at once: %s', async (closeCode, code) => {
    for (const stage of ['authenticating', 'ready'] as const) {
      const { socket, become, leaks } = rig();
      (await become(stage)).drop(closeCode);
      expect(socket.getSnapshot()).toMatchObject({
        status: 'closed',
        failure: { code, closeCode, retryable: false },
      });
      expect(leaks()).toEqual(nothing);
    }
  });

  test('the global WebSocket is looked up at each attempt', async () => {
    const { socket, world } = rig({ WebSocket: undefined });
    const dialled: FakeWebSocket[] = [];
    const globally = () =>
      class extends FakeWebSocket {
        constructor(url: string) {
          super(url);
          dialled.push(this);
        }
      };
    const [first, second] = [globally(), globally()];
    vi.stubGlobal('WebSocket', first);
    socket.connect();
    await settle();
    vi.stubGlobal('WebSocket', second);
    dialled[0]?.drop();
    await world.advance(2000);
    expect(dialled.map((ws) => ws.constructor)).toEqual([first, second]);
    socket.close();
  });

  test('no WebSocket here is final', async () => {
    vi.stubGlobal('WebSocket', undefined);
    const { socket } = rig({ WebSocket: undefined });
    socket.connect();
    await settle();
    expect(socket.getSnapshot()).toMatchObject({
      status: 'closed',
      failure: { stage: 'connect', code: 'websocket-missing' },
    });
  });

  test.each<[string, object]>([
    ['relative where there is no page', { url: '/socket' }],
    ['what is no URL', { url: () => 'wss://' }],
    [
      'a tokenIn that throws',
      {
        tokenIn: () => {
          throw new Error('token-1');
        },
      },
    ],
    ['a token subprotocol alone', { tokenIn: 'subprotocol' }],
  ])('an address that cannot be used is final: %s', async (_name, options) => {
    const { socket } = rig(options);
    socket.connect();
    await settle();
    expect(socket.getSnapshot()).toMatchObject({
      status: 'closed',
      failure: { stage: 'connect', code: 'address-refused', cause: undefined },
    });
  });
});

describe('delays', () => {
  /** How long the socket waits after each of `tries` failures. */
  async function waits(tries: number, options: object, chance: number) {
    const { socket, world, dial } = rig(options);
    world.chance = chance;
    const found: number[] = [];
    for (let n = 1; n <= tries; n += 1) {
      (await dial()).drop();
      found.push(Math.round(waitLeft(socket, world)));
    }
    return found;
  }

  test('are full jitter under a ceiling that grows by a half to 20 s', async () => {
    const ceilings = [2000, 3000, 4500, 6750, 10_125, 15_188, 20_000, 20_000];
    expect(await waits(8, {}, 1)).toEqual(ceilings);
    expect(await waits(4, {}, 0.5)).toEqual([1000, 1500, 2250, 3375]);
  });

  test('may be none at first, and are at least 250 ms from the second try on', async () => {
    expect(await waits(3, {}, 0)).toEqual([0, 250, 250]);
  });

  test('follow the options', async () => {
    const retry = { initialDelay: 100, maxDelay: 500, factor: 3, minDelay: 50 };
    expect(await waits(4, { retry }, 1)).toEqual([100, 300, 500, 500]);
    expect(await waits(2, { retry }, 0)).toEqual([0, 50]);
  });

  test('end when they say, to the millisecond, with retryAt in the state', async () => {
    const { socket, world, dial, dialled } = rig();
    (await dial()).drop();
    expect(socket.getSnapshot()).toMatchObject({ retryAt: world.now() + 1000, attempt: 1 });
    await world.advance(999);
    expect(dialled).toHaveLength(1);
    await world.advance(1);
    expect(dialled).toHaveLength(2);
  });

  const hints: [string, number, number, number][] = [
    ['retry-after=5000', 0, 5000, 5000],
    ['retry-after=5000', 1, 6000, 6000],
    ['retry-after=0', 1, 2000, 3000],
    ['retry-after=999999999', 0.5, 600_000, 600_000],
    ['going down; retry-after=3000 ', 0, 3000, 3000],
    ['retry-after=999', 0, 999, 999],
    ['retry-after=soon', 1, 2000, 3000],
    ['', 1, 2000, 3000],
  ];
  test.each(hints)(
    'the hint %j of the server, with chance %d, makes them %d, then %d',
    async (reason, chance, first, second) => {
      for (const closeCode of [1012, 1013, 4429]) {
        const { socket, world, become } = rig();
        world.chance = chance;
        (await become('ready')).drop(closeCode, reason);
        expect(waitLeft(socket, world)).toBe(first);
        (await become('ready')).drop(closeCode, reason);
        expect(waitLeft(socket, world)).toBe(second);
      }
    },
  );

  test('getToken may say one, in ms', async () => {
    const { socket, world } = rig({
      getToken: () => Promise.reject({ status: 503, retryAfter: 1234 }),
    });
    world.chance = 0;
    socket.connect();
    await settle();
    expect(waitLeft(socket, world)).toBe(1234);
  });
});

describe('the count of tries', () => {
  test('starts over only after a connection was ready for stableAfter', async () => {
    for (const [life, attempt] of [
      [9999, 2],
      [10_000, 1],
    ] as const) {
      const { socket, world, become } = rig();
      (await become('authenticating')).drop(1011);
      const ws = await become('ready');
      expect(socket.getSnapshot()).toMatchObject({ attempt: 2 });
      await world.advance(life);
      ws.drop();
      expect(socket.getSnapshot()).toMatchObject({ status: 'waiting', attempt });
    }
  });

  test('goes on growing in the outage that follows a long connection', async () => {
    const { socket, world, dial, become } = rig();
    const ws = await become('ready');
    await world.advance(3_600_000);
    ws.drop();
    for (let tries = 2; tries <= 4; tries += 1) {
      (await dial()).drop();
      expect(socket.getSnapshot()).toMatchObject({ status: 'waiting', attempt: tries });
    }
  });

  test('counts a connection stable at once with stableAfter: 0, but not one that never was ready', async () => {
    const { socket, become } = rig({ retry: { stableAfter: 0 } });
    (await become('authenticating')).drop();
    (await become('authenticating')).drop();
    expect(socket.getSnapshot()).toMatchObject({ attempt: 2 });
    (await become('ready')).drop();
    expect(socket.getSnapshot()).toMatchObject({ attempt: 1 });
  });

  test('reaches maxAttempts, and the socket closes with the last failure', async () => {
    const { socket, dial, dialled, leaks } = rig({ retry: { maxAttempts: 3 } });
    for (let tries = 1; tries <= 3; tries += 1) (await dial()).drop();
    expect(socket.getSnapshot()).toMatchObject({
      status: 'closed',
      failure: { code: 'connect-failed', retryable: true },
    });
    expect(dialled).toHaveLength(3);
    expect(leaks()).toEqual(nothing);
  });
});

describe('retry.decide', () => {
  test('is told of the failure and of what went before', async () => {
    const decide = vi.fn();
    const { become, dial } = rig({ retry: { decide } });
    (await dial()).drop();
    (await become('authenticating')).drop();
    (await become('authenticating')).drop(4401);
    (await become('authenticating')).drop(4401);
    const seen = decide.mock.calls.map(([{ code, retryable }, history]) => [
      code,
      retryable,
      history,
    ]);
    expect(seen).toEqual([
      ['connect-failed', true, { tries: 0, rejections: 0, drops: 0 }],
      ['init-dropped', true, { tries: 1, rejections: 0, drops: 0 }],
      ['unauthorized', true, { tries: 2, rejections: 0, drops: 1 }],
      ['unauthorized', false, { tries: 3, rejections: 1, drops: 1 }],
    ]);
  });

  test('overrules a final verdict with a delay, and maxAttempts too', async () => {
    const { socket, world, become } = rig({ retry: { decide: () => 77, maxAttempts: 1 } });
    (await become('authenticating')).drop(4403);
    expect(socket.getSnapshot().status).toBe('waiting');
    expect(waitLeft(socket, world)).toBe(77);
  });

  test('closes with false what could be tried again', async () => {
    const { socket, dial } = rig({ retry: { decide: () => false } });
    (await dial()).drop();
    expect(socket.getSnapshot()).toMatchObject({
      status: 'closed',
      failure: { code: 'connect-failed', retryable: true },
    });
  });

  test.each([undefined, Number.NaN, -1, '5', null, true])(
    'agrees with the verdict when it gives %j',
    async (given) => {
      const { socket, world, dial } = rig({ retry: { decide: () => given as never } });
      (await dial()).drop();
      expect(waitLeft(socket, world)).toBe(1000);
    },
  );

  test('that throws is reported, and the verdict stands', async () => {
    const uncaught = vi.fn();
    vi.stubGlobal('reportError', uncaught);
    const oops = new Error('oops');
    const { socket, world, dial } = rig({
      retry: {
        decide: () => {
          throw oops;
        },
      },
    });
    (await dial()).drop();
    expect(uncaught.mock.calls).toEqual([[oops]]);
    expect(waitLeft(socket, world)).toBe(1000);
  });

  test('is not asked about what was ended by a listener of the signal', async () => {
    const decide = vi.fn();
    const { socket, dial } = rig({
      retry: { decide },
      initPayload: ({ signal }: { signal: AbortSignal }) => {
        signal.addEventListener('abort', () => socket.close());
        return 'jwt';
      },
    });
    (await dial()).drop();
    expect(decide).not.toHaveBeenCalled();
    expect(socket.getSnapshot()).toEqual({ status: 'closed', failure: undefined });
  });

  test.each(['close', 'reconnect'] as const)('may call %s(), which wins', async (method) => {
    const { socket, world, dial, dialled, tokenCalls } = rig({
      retry: {
        decide: () => {
          socket[method]();
          return 5;
        },
      },
    });
    (await dial()).drop();
    await settle();
    const { status } = socket.getSnapshot();
    expect(status).toBe(method === 'close' ? 'closed' : 'connecting');
    await world.advance(9000);
    expect(dialled).toHaveLength(method === 'close' ? 1 : 2);
    expect(tokenCalls).toHaveLength(dialled.length);
  });
});

describe('credentials that the server refuses', () => {
  const reject = (ws: FakeWebSocket) => ws.drop(4401);

  test('are replaced once, and then the socket is closed', async () => {
    const { socket, become, tokenCalls, payloadCalls, events } = rig({ tokenRetry: 'reuse' });
    reject(await become('authenticating'));
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { code: 'unauthorized', retryable: true },
    });
    reject(await become('authenticating'));
    expect(socket.getSnapshot()).toMatchObject({
      status: 'closed',
      failure: { stage: 'init', code: 'unauthorized', retryable: false },
    });
    expect(tokenCalls.map(({ reason }) => reason)).toEqual(['start', 'unauthorized']);
    expect(payloadCalls.map(({ reason }) => reason)).toEqual(['start', 'unauthorized']);
    expect(events.at(-1)).toBe('close unauthorized');
  });

  test('are given another chance once a stable connection lay between', async () => {
    for (const [life, status] of [
      [10_000, 'waiting'],
      [9999, 'closed'],
    ] as const) {
      const { socket, world, become } = rig();
      reject(await become('authenticating'));
      const ws = await become('ready');
      await world.advance(life);
      reject(ws);
      expect(socket.getSnapshot().status).toBe(status);
    }
  });

  test('stay refused whatever other failures lie between', async () => {
    const { socket, dial, become } = rig();
    reject(await become('authenticating'));
    (await dial()).drop();
    (await become('ready')).drop(1012);
    reject(await become('authenticating'));
    expect(socket.getSnapshot()).toMatchObject({ status: 'closed' });
  });

  test('are forgotten by close() and by reconnect()', async () => {
    for (const method of ['close', 'reconnect'] as const) {
      const { socket, become } = rig();
      reject(await become('authenticating'));
      socket[method]();
      reject(await become('authenticating'));
      expect(socket.getSnapshot().status).toBe('waiting');
    }
  });

  test('a refusal said by message is answered by closing, whether or not the server closes too', async () => {
    const { socket, become, last } = rig({ isRejected: (message: unknown) => message === 'no' });
    const ws = await become('authenticating');
    ws.say('no');
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { stage: 'init', code: 'unauthorized' },
    });
    expect(ws.closedWith?.code).toBe(1000);
    ws.drop(1000);
    await become('authenticating');
    last().say('no');
    expect(socket.getSnapshot().status).toBe('closed');
  });
});

describe('a connection that ends between init and ack, unexplained', () => {
  test('is tried once more, then in a slow lane of 30 s doubling to 5 min, whatever maxDelay is', async () => {
    const { socket, world, become, tokenCalls } = rig({
      tokenRetry: 'reuse',
      retry: { maxDelay: 1000 },
    });
    world.chance = 1;
    const waits: number[] = [];
    for (let tries = 1; tries <= 7; tries += 1) {
      (await become('authenticating')).drop();
      waits.push(waitLeft(socket, world));
    }
    expect(waits).toEqual([1000, 30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
    expect(tokenCalls).toHaveLength(7);
    expect(tokenCalls.at(-1)?.reason).toBe('init-dropped');
  });

  test('waits there with jitter, at least half of the time', async () => {
    const { socket, world, become } = rig();
    world.chance = 0;
    for (let tries = 1; tries <= 2; tries += 1) (await become('authenticating')).drop();
    expect(waitLeft(socket, world)).toBe(15_000);
  });

  test('leaves the slow lane at the next ack', async () => {
    const { socket, world, become } = rig();
    for (let tries = 1; tries <= 3; tries += 1) (await become('authenticating')).drop();
    (await become('ready')).drop(1012);
    (await become('authenticating')).drop();
    expect(waitLeft(socket, world)).toBe(1000 * 1.5 ** 4);
  });

  test('is not taken for one when the server says why', async () => {
    for (const closeCode of [1012, 1013, 4408, 4429]) {
      const { socket, world, become } = rig();
      for (let tries = 1; tries <= 3; tries += 1) (await become('authenticating')).drop(closeCode);
      expect(waitLeft(socket, world)).toBe(2250);
    }
  });
});

describe('the network', () => {
  test('while it is away, the socket waits for it and for no time', async () => {
    const { socket, world, dial, dialled } = rig();
    const ws = await dial();
    world.goOffline();
    ws.drop();
    expect(socket.getSnapshot()).toMatchObject({ status: 'waiting', until: 'online' });
    expect(socket.getSnapshot()).not.toHaveProperty('retryAt');
    await world.advance(3_600_000);
    expect(dialled).toHaveLength(1);
    world.chance = 0.9;
    world.goOnline();
    expect(waitLeft(socket, world)).toBe(900);
    await world.advance(900);
    expect(dialled).toHaveLength(2);
  });

  test('when it comes back, a wait ends within a second', async () => {
    const { socket, world, become } = rig({ retry: { initialDelay: 20_000 } });
    (await become('ready')).drop();
    expect(waitLeft(socket, world)).toBe(10_000);
    world.goOnline();
    expect(waitLeft(socket, world)).toBe(500);
  });

  test('when it has gone by the end of a wait, the wait goes on until it is back', async () => {
    const { socket, world, dial, dialled } = rig();
    (await dial()).drop();
    world.goOffline();
    await world.advance(5000);
    expect(socket.getSnapshot()).toMatchObject({ status: 'waiting', until: 'online', attempt: 1 });
    world.goOnline();
    await world.advance(1000);
    expect(dialled).toHaveLength(2);
  });

  test('when it comes back, a delay that the server said is kept', async () => {
    const { socket, world, become, dialled } = rig();
    (await become('ready')).drop(1013, 'retry-after=60000');
    world.goOnline();
    expect(waitLeft(socket, world)).toBe(60_500);
    world.goOffline();
    await world.advance(60_500);
    expect(socket.getSnapshot()).toMatchObject({ until: 'online' });
    world.goOnline();
    await world.advance(1000);
    expect(dialled).toHaveLength(2);
  });

  test('is listened to while the socket is open', async () => {
    const { socket, world, dial, become } = rig();
    expect(world.pageListeners).toBe(0);
    const ws = await dial();
    const { pageListeners } = world;
    expect(pageListeners).toBeGreaterThan(0);
    ws.drop();
    await become('ready');
    expect(world.pageListeners).toBe(pageListeners);
    socket.close();
    expect(world.pageListeners).toBe(0);
  });
});

test('what a try is told counts tries and gives the reason of the last failure', async () => {
  const { dial, become, tokenCalls, payloadCalls } = rig();
  (await dial()).drop();
  (await become('authenticating')).drop(4408);
  (await become('ready')).drop();
  await dial();
  const told = tokenCalls.map(({ attempt, reason }) => [attempt, reason]);
  expect(told).toEqual([
    [1, 'start'],
    [2, 'connect-failed'],
    [3, 'init-timeout'],
    [4, 'connection-lost'],
  ]);
  expect(payloadCalls.map(({ attempt, reason }) => [attempt, reason])).toEqual(told);
  const before = tokenCalls.slice(0, -1) as { signal: AbortSignal }[];
  expect(before.every(({ signal }) => signal.aborted)).toBe(true);
  expect(tokenCalls.at(-1)?.signal.aborted).toBe(false);
});

test('errors say where to read on, and nothing more', async () => {
  const { socket, become } = rig();
  const errors: TwoStageError[] = [];
  socket.on('error', (error) => errors.push(error));
  (await become('authenticating')).drop(4401);
  expect(errors[0]?.message).toBe(
    'unauthorized (stage init, close code 4401): see @two-stage-socket/core/errors.md#unauthorized',
  );
});
