import { inspect } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { TwoStageSocket } from './socket.ts';
import {
  deferred,
  FakeWebSocket,
  nothing,
  originalAck,
  type Rig,
  rig,
  settle,
} from './testing/fakes.test.util.ts';

/** Ways to be in every state there is. */
const states: { readonly [name: string]: (r: Rig) => unknown } = {
  idle: () => {},
  'fetching-token': ({ socket }) => socket.connect(),
  connecting: ({ dial }) => dial(),
  authenticating: ({ become }) => become('authenticating'),
  ready: ({ become }) => become('ready'),
  'ready, with a full buffer': async ({ become, socket }) => {
    (await become('ready')).bufferedAmount = 1e9;
    socket.send('stuck');
  },
  waiting: async ({ dial }) => (await dial()).drop(),
  'waiting for the network': async ({ dial, world }) => {
    const ws = await dial();
    world.goOffline();
    ws.drop();
  },
  'retained, within the grace': async ({ socket }) => socket.retain()(),
  'the second try': async ({ dial }) => {
    (await dial()).drop();
    await dial();
  },
  'the socket that a reconnect() left': async ({ become, socket }) => {
    await become('ready');
    socket.reconnect();
  },
};

afterEach(() => {
  vi.restoreAllMocks();
});

describe('close()', () => {
  test.each(Object.entries(states))('from %s is final and leaves nothing', async (_name, enter) => {
    const r = rig();
    await enter(r);
    const { socket, world, events, leaks, dialled, tokenCalls } = r;
    const queued = socket.send('unsent');
    const before = events.length;
    socket.close();
    expect(socket.getSnapshot()).toEqual({ status: 'closed', failure: undefined });
    const told = events.slice(before);
    expect(told.filter((event) => !event.startsWith('unsent'))).toEqual(['state closed', 'close']);
    if (queued === 'queued') expect(told).toContain('unsent "unsent" closed');
    expect(leaks()).toEqual(nothing);

    const cost = [dialled.length, tokenCalls.length];
    world.goOnline();
    for (const ws of dialled) {
      ws.accept();
      ws.say('late');
      ws.drop();
    }
    await world.advance(600_000);
    expect(events.slice(before)).toEqual(told);
    expect([dialled.length, tokenCalls.length]).toEqual(cost);
    expect(leaks()).toEqual(nothing);
  });

  test.each(Object.entries(states))(
    'from %s, the next user gets nothing of it',
    async (_name, enter) => {
      const r = rig({ tokenRetry: 'reuse' });
      await enter(r);
      r.socket.send("the first user's");
      const [dialled, tokens] = [r.dialled.length, r.tokenCalls.length];
      r.socket.close();
      r.world.isOnline = true;
      const ws = await r.become('ready');
      expect(r.dialled).toHaveLength(dialled + 1);
      expect(r.tokenCalls).toHaveLength(tokens + 1);
      expect(r.tokenCalls.at(-1)).toMatchObject({
        attempt: 1,
        reason: 'start',
        previous: undefined,
      });
      expect(ws.token).toBe(`token-${tokens + 1}`);
      expect(ws.sent).toEqual([`{"type":"jwt","token":"jwt-${r.payloadCalls.length}"}`]);
      expect(r.socket.getSnapshot()).toMatchObject({ status: 'ready', attempt: 1 });
    },
  );

  test('does not wait for the close handshake', async () => {
    const { socket, become } = rig();
    const ws = await become('ready');
    socket.close();
    expect(ws.readyState).toBe(2);
    expect(socket.getSnapshot().status).toBe('closed');
  });

  test('twice is once', async () => {
    const { socket, become, events } = rig();
    await become('ready');
    socket.close();
    socket.close();
    expect(events.filter((event) => event === 'close')).toHaveLength(1);
  });

  const kinds: [number | undefined, string | undefined, number][] = [
    [undefined, undefined, 1000],
    [1000, 'bye', 1000],
    [3000, undefined, 3000],
    [4999, 'x'.repeat(123), 4999],
    [1000, '€'.repeat(41), 1000],
  ];
  test.each(kinds)('passes on code %j and reason %j', async (code, reason, sent) => {
    const { socket, become } = rig();
    const ws = await become('ready');
    socket.close(code, reason);
    expect(ws.closedWith).toEqual({ code: sent, reason });
  });

  const refused: [number | undefined, string | undefined, RegExp][] = [
    [1001, undefined, /code must be 1000, or 3000 to 4999/],
    [2999, undefined, /code/],
    [5000, undefined, /code/],
    [Number.NaN, undefined, /code/],
    [1000, 'x'.repeat(124), /reason must be at most 123 bytes/],
    [undefined, '€'.repeat(42), /reason/],
  ];
  test.each(refused)(
    'refuses code %j with reason %j, and nothing has happened',
    async (code, reason, message) => {
      const { socket, become } = rig();
      const ws = await become('ready');
      expect(() => socket.close(code, reason)).toThrow(message);
      expect(() => socket.close(code, reason)).toThrow(RangeError);
      expect(socket.getSnapshot().status).toBe('ready');
      expect(ws.live).toBe(true);
    },
  );
});

describe('what comes late', () => {
  const late = ['getToken', 'url', 'initPayload'] as const;
  const outcomes: [string, (d: ReturnType<typeof deferred<any>>) => void][] = [
    ['an answer', (d) => d.resolve('wss://late.test/')],
    ['a failure', (d) => d.reject(new Error('late'))],
  ];
  for (const name of late) {
    test.each(outcomes)(
      `from ${name} after close(), %s, changes nothing`,
      async (_name, settleIt) => {
        const answer = deferred<any>();
        const { socket, world, events, dialled, leaks } = rig({ [name]: () => answer.promise });
        socket.connect();
        await settle();
        socket.close();
        const before = events.length;
        const dials = dialled.length;
        settleIt(answer);
        await world.advance(60_000);
        expect(events.length).toBe(before);
        expect(dialled.length).toBe(dials);
        expect(leaks()).toEqual(nothing);
      },
    );

    test.each(outcomes)(
      `from ${name} after reconnect(), %s, disturbs nothing`,
      async (_name, settleIt) => {
        const answer = deferred<any>();
        const first = vi
          .fn()
          .mockReturnValueOnce(answer.promise)
          .mockReturnValue('wss://fresh.test/');
        const { socket, become, dialled } = rig({ [name]: first });
        socket.connect();
        await settle();
        socket.reconnect();
        settleIt(answer);
        await become('ready');
        expect(socket.getSnapshot()).toMatchObject({ status: 'ready', attempt: 1 });
        expect(dialled.filter(({ live }) => live)).toHaveLength(1);
        expect(dialled.map(({ url }) => url).join()).not.toContain('late.test');
      },
    );
  }

  test('a payload that is refused after reconnect() costs the new attempt no token', async () => {
    const slow = deferred<string>();
    const initPayload = vi.fn().mockReturnValueOnce(slow.promise).mockReturnValue('jwt');
    const { socket, become, tokenCalls } = rig({ initPayload, tokenRetry: 'reuse' });
    socket.connect();
    await settle();
    socket.reconnect();
    const ws = await become('ready');
    slow.reject({ status: 401 });
    await settle();
    ws.drop();
    await become('ready');
    expect(tokenCalls).toHaveLength(2);
  });

  test('a payload that arrives after close() is not sent, not even into the closing socket', async () => {
    const slow = deferred<string>();
    const { socket, become, leaks } = rig({ initPayload: () => slow.promise });
    await become('authenticating');
    socket.close();
    slow.resolve('jwt');
    await settle();
    expect(leaks()).toEqual(nothing);
  });

  test('url is not asked by an attempt that getToken has ended', async () => {
    const url = vi.fn(() => 'wss://example.test/');
    const { socket } = rig({
      url,
      getToken: () => {
        socket.close();
        return 'token';
      },
    });
    socket.connect();
    await settle();
    expect(url).not.toHaveBeenCalled();
  });

  test('a token that arrives after reconnect() is not the one in hand', async () => {
    const slow = deferred<string>();
    const getToken = vi.fn().mockReturnValueOnce(slow.promise).mockReturnValue('fresh');
    const { socket, become, dialled } = rig({ getToken, tokenRetry: 'reuse' });
    socket.connect();
    await settle();
    socket.reconnect();
    (await become('ready')).drop();
    slow.resolve('late');
    await become('ready');
    expect(dialled.map(({ token }) => token)).toEqual(['fresh', 'fresh']);
  });
});

describe('a listener of the abort signal', () => {
  /** Runs `call` when the signal of an attempt aborts, the first time. */
  const onAbort = (call: (socket: TwoStageSocket) => unknown) => {
    let armed = true;
    const listen = ({ signal }: { signal: AbortSignal }) =>
      signal.addEventListener('abort', () => {
        if (!armed) return;
        armed = false;
        call(r.socket);
      });
    const r = rig({
      getToken: (context: { signal: AbortSignal }) => {
        listen(context);
        return `token-${r.tokenCalls.push(context as never)}`;
      },
    });
    return r;
  };

  const causes: [string, (r: Rig, ws: FakeWebSocket) => void][] = [
    ['a loss', (_r, ws) => ws.drop()],
    ['reconnect()', ({ socket }) => socket.reconnect()],
    ['close()', ({ socket }) => socket.close()],
  ];
  for (const stage of ['fetching-token', 'connecting', 'ready']) {
    for (const [cause, end] of causes) {
      if (stage === 'fetching-token' && cause === 'a loss') continue;
      const enter = states[stage] as (r: Rig) => unknown;

      test(`may call close() at ${cause} in ${stage}: closed it stays`, async () => {
        const r = onAbort((socket) => socket.close());
        await enter(r);
        end(r, r.last());
        await r.world.advance(60_000);
        expect(r.socket.getSnapshot().status).toBe('closed');
        expect(r.leaks()).toEqual(nothing);
      });

      for (const method of ['connect', 'reconnect'] as const) {
        test(`may call ${method}() at ${cause} in ${stage}: there is one attempt, and it succeeds`, async () => {
          const r = onAbort((socket) => socket[method]());
          await enter(r);
          const asked = r.tokenCalls.length;
          end(r, r.last());
          await settle();
          expect(r.tokenCalls.length - asked).toBeLessThanOrEqual(1);
          expect(r.dialled.filter(({ live }) => live).length).toBeLessThanOrEqual(1);
          await r.become('ready');
          await r.world.advance(5000);
          expect(r.socket.getSnapshot()).toMatchObject({ status: 'ready' });
          r.socket.close();
          expect(r.leaks()).toEqual(nothing);
        });
      }
    }
  }
});

describe('secrets', () => {
  const secret = 's3cr3t';

  test('show in no error, event, snapshot or output of ours, whatever goes wrong', async () => {
    const consoles = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => {}),
    );
    const told: unknown[] = [];
    const watch = (socket: TwoStageSocket) => {
      for (const event of ['error', 'statechange', 'close', 'ready'] as const) {
        socket.on(event, (payload) => told.push(payload, socket.getSnapshot()));
      }
    };
    const options = { getToken: () => `${secret}-token`, initPayload: { jwt: `${secret}-jwt` } };
    const ends = [
      ['connecting', 1006],
      ['authenticating', 1006],
      ['authenticating', 4401],
      ['authenticating', 4403],
      ['ready', 1006],
    ] as const;
    for (const [state, closeCode] of ends) {
      const r = rig(options);
      watch(r.socket);
      await states[state]?.(r);
      r.last().drop(closeCode, 'no');
      await r.dial().catch(() => {});
      r.socket.ready().catch((error) => told.push(error));
      r.socket.close();
    }
    const refusing = {
      url: 'wss://example.test/#frag ment',
      WebSocket: class {
        constructor(url: string, protocols: string[]) {
          throw new SyntaxError(`${url} with ${protocols} is invalid`);
        }
      },
    };
    const broken = {
      tokenIn: (url: string, token: string) => {
        throw new Error(url + token);
      },
    };
    for (const bad of [
      refusing,
      broken,
      { ...refusing, tokenIn: 'subprotocol', protocols: ['a'] },
    ]) {
      const { socket } = rig({ ...options, ...bad });
      watch(socket);
      socket.connect();
      await settle();
      expect(socket.getSnapshot().status).toBe('closed');
    }
    expect(told.length).toBeGreaterThan(30);
    for (const thing of told) {
      const shown = [
        String(thing),
        JSON.stringify(thing),
        inspect(thing, { depth: 9, showHidden: true }),
      ];
      expect(shown.join()).not.toContain(secret);
    }
    for (const method of consoles) expect(method).not.toHaveBeenCalled();
  });

  test('show in no inspection of the socket itself', async () => {
    const { socket, become } = rig({
      getToken: () => `${secret}-token`,
      initPayload: `${secret}-jwt`,
    });
    await become('ready');
    expect([String(socket), JSON.stringify(socket)].join()).not.toContain(secret);
    expect(inspect(socket, { depth: 9, showHidden: true })).not.toContain(secret);
  });

  test('of what the app threw are kept for the app alone: neither message nor JSON has the cause', async () => {
    const { socket } = rig({ getToken: () => Promise.reject(new Error(`${secret} is bad`)) });
    socket.connect();
    await settle();
    const { failure } = socket.getSnapshot() as { failure: Error };
    expect([failure.message, failure.stack, JSON.stringify(failure)].join()).not.toContain(secret);
    expect(failure.cause).toMatchObject({ message: `${secret} is bad` });
  });
});

test('a WebSocket whose constructor ends the attempt is closed', async () => {
  const made: FakeWebSocket[] = [];
  const { socket, leaks } = rig({
    WebSocket: class extends FakeWebSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        made.push(this);
        socket.close();
      }
    },
  });
  socket.connect();
  await settle();
  expect(made.map(({ live, attached }) => [live, attached])).toEqual([[false, false]]);
  expect(leaks()).toEqual(nothing);
});

describe('a function of the app that ends the attempt which asks it', () => {
  const closing = <T>(socket: TwoStageSocket, answer: T) => {
    socket.close();
    return answer;
  };
  const ends: [string, (socket: TwoStageSocket) => object][] = [
    ['isReady', (socket) => ({ isReady: () => closing(socket, true) })],
    ['isRejected', (socket) => ({ isReady: () => false, isRejected: () => closing(socket, true) })],
    ['tokenIn', (socket) => ({ tokenIn: (url: string) => closing(socket, url) })],
    [
      'codec.encode',
      (socket) => ({ codec: { encode: () => closing(socket, ''), decode: () => [] } }),
    ],
    [
      'codec.decode',
      (socket) => ({
        codec: { encode: String, decode: () => closing(socket, ['authentication successful']) },
      }),
    ],
  ];
  test.each(ends)('%s', async (_name, options) => {
    const { socket, events, leaks, dialled, world } = rig();
    socket.configure(options(socket));
    socket.connect();
    await settle();
    dialled.at(-1)?.accept();
    await settle();
    dialled.at(-1)?.say(originalAck);
    await world.advance(60_000);
    expect(socket.getSnapshot()).toEqual({ status: 'closed', failure: undefined });
    expect(events.slice(-2)).toEqual(['state closed', 'close']);
    expect(leaks()).toEqual(nothing);
  });

  test('isReady, after which isRejected is not asked', async () => {
    const isRejected = vi.fn();
    const { socket, become } = rig({ isReady: () => closing(socket, false), isRejected });
    (await become('authenticating')).say(originalAck);
    expect(socket.getSnapshot().status).toBe('closed');
    expect(isRejected).not.toHaveBeenCalled();
  });
});

describe('a WebSocket that tells of an error', () => {
  test('and is closed, with no close after it, as Chromium does where a policy forbids the address, fails at once', async () => {
    const { socket, world, dial } = rig();
    const ws = await dial();
    Object.assign(ws, { readyState: 3 });
    ws.onerror?.({});
    await world.advance(0);
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { stage: 'connect', code: 'connect-failed' },
    });
  });

  test('fails as its close says where that follows', async () => {
    const { socket, world, become } = rig();
    const ws = await become('ready');
    const { onerror } = ws;
    Object.assign(ws, { readyState: 3 });
    onerror?.({});
    ws.onclose?.({ code: 4403, reason: '' });
    await world.advance(60_000);
    expect(socket.getSnapshot()).toMatchObject({
      status: 'closed',
      failure: { code: 'forbidden' },
    });
  });

  test('and is still open goes on', async () => {
    const { socket, world, become } = rig();
    (await become('ready')).onerror?.({});
    await world.advance(0);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('after it was let go leaves nothing behind', async () => {
    const { socket, world, dial, leaks } = rig();
    const ws = await dial();
    socket.close();
    Object.assign(ws, { readyState: 3 });
    ws.onerror?.({});
    expect(leaks()).toMatchObject({ timers: 0 });
    await world.advance(60_000);
    expect(socket.getSnapshot()).toEqual({ status: 'closed', failure: undefined });
  });
});
