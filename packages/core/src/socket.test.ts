import { afterEach, describe, expect, type Mock, test, vi } from 'vitest';
import type { TwoStageError } from './errors.ts';
import { TwoStageSocket } from './socket.ts';
import {
  never,
  nothing,
  originalAck,
  rig,
  settle,
  v1,
  v1Ack,
  waitLeft,
} from './testing/fakes.test.util.ts';

const uncaught = vi.fn();

function catchUncaught() {
  uncaught.mockClear();
  vi.stubGlobal('reportError', uncaught);
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('a socket that has only been constructed', () => {
  test('does nothing: no function called, no timer, no listener, no WebSocket', async () => {
    const getters = { url: vi.fn(), getToken: vi.fn(), initPayload: vi.fn(), WebSocket: vi.fn() };
    const { socket, leaks, world } = rig(getters);
    await world.advance(60_000);
    expect(socket.getSnapshot()).toEqual({ status: 'idle' });
    expect(leaks()).toEqual(nothing);
    for (const getter of Object.values(getters)) expect(getter).not.toHaveBeenCalled();
  });

  test('starts from one idle snapshot, the same for all, as hydration needs', () => {
    expect(rig().socket.getSnapshot()).toBe(rig().socket.getSnapshot());
  });

  test('is refused at once when an option is unusable', () => {
    expect(() => new TwoStageSocket({ url: 'ftp://example.test' })).toThrow(/url must be/);
  });
});

describe('the way to ready', () => {
  test('leads through both stages, each a frozen snapshot of its own', async () => {
    const { socket, become, events } = rig();
    const snapshots = [socket.getSnapshot()];
    socket.on('statechange', (state) => snapshots.push(state));
    await become('ready');
    expect(snapshots).toEqual([
      { status: 'idle' },
      { status: 'fetching-token', attempt: 1, failure: undefined },
      { status: 'connecting', attempt: 1, failure: undefined },
      { status: 'authenticating', attempt: 1, failure: undefined },
      { status: 'ready', attempt: 1, wire: 'original' },
    ]);
    expect(snapshots.every(Object.isFrozen)).toBe(true);
    expect(socket.getSnapshot()).toBe(snapshots.at(-1));
    expect(events.at(-1)).toBe('ready');
  });

  test('skips the stages that have no option', async () => {
    const { socket, become, events, last } = rig({ getToken: undefined, initPayload: undefined });
    await become('ready');
    expect(events).toEqual(['state connecting', 'state ready', 'ready']);
    expect(last().sent).toEqual([]);
    expect(last().url).toBe('wss://example.test/socket');
    expect(await socket.ready()).toBeUndefined();
  });

  test('moves in the tick of the call', () => {
    const { socket } = rig();
    socket.connect();
    expect(socket.getSnapshot().status).toBe('fetching-token');
  });

  test('tells the ack and the wire with the event ready', async () => {
    const { socket, dial } = rig({ protocols: v1 });
    const onReady = vi.fn();
    socket.on('ready', onReady);
    const ws = await dial();
    ws.accept(v1);
    await settle();
    ws.say(v1Ack);
    expect(onReady.mock.calls).toEqual([[{ ack: v1Ack, wire: v1 }]]);
  });

  test('carries the failure of the try before, and the number of this one', async () => {
    const { socket, dial } = rig();
    (await dial()).drop();
    await dial();
    expect(socket.getSnapshot()).toMatchObject({
      status: 'connecting',
      attempt: 2,
      failure: { code: 'connect-failed' },
    });
  });
});

describe('connect()', () => {
  test('does nothing where it is open already, in whatever state', async () => {
    const { socket, dialled, dial, become, tokenCalls, events } = rig();
    const again = () => {
      const before = events.length;
      socket.connect();
      expect(events.length).toBe(before);
    };
    socket.connect();
    again();
    const ws = await dial();
    again();
    ws.accept();
    again();
    await settle();
    ws.say(originalAck);
    again();
    ws.drop();
    again();
    expect([dialled.length, tokenCalls.length]).toEqual([1, 1]);
    await become('ready');
    expect(tokenCalls).toHaveLength(2);
  });

  test('after close() starts over: first try, fresh token, reason start', async () => {
    const { socket, dial, become, tokenCalls } = rig({ tokenRetry: 'reuse' });
    (await dial()).drop();
    socket.close();
    await become('ready');
    expect(tokenCalls.at(-1)).toMatchObject({ attempt: 1, reason: 'start', previous: undefined });
    expect(tokenCalls).toHaveLength(2);
  });
});

describe('reconnect()', () => {
  test('starts over at once from ready, with fresh credentials and the count at one', async () => {
    const { socket, dial, become, dialled, tokenCalls, payloadCalls } = rig({
      tokenRetry: 'reuse',
    });
    (await dial()).drop();
    const ws = await become('ready');
    socket.reconnect();
    expect(ws.closedWith?.code).toBe(1000);
    expect(ws.attached).toBe(false);
    expect(socket.getSnapshot()).toMatchObject({ status: 'fetching-token', attempt: 1 });
    await become('ready');
    expect(tokenCalls.at(-1)).toMatchObject({ attempt: 1, reason: 'reconnect' });
    expect(payloadCalls.at(-1)).toMatchObject({ attempt: 1, reason: 'reconnect' });
    expect(dialled.at(-1)?.token).toBe(`token-${tokenCalls.length}`);
  });

  test.each(['fetching-token', 'connecting', 'authenticating', 'waiting', 'idle', 'closed'])(
    'starts over from %s, with one attempt at a time',
    async (status) => {
      const { socket, dial, become, tokenCalls, dialled, world } = rig();
      if (status !== 'idle') socket.connect();
      if (status === 'closed') socket.close();
      if (status === 'connecting') await dial();
      if (status === 'authenticating') await become('authenticating');
      if (status === 'waiting') (await dial()).drop();
      expect(socket.getSnapshot().status).toBe(status);
      const asked = tokenCalls.length;
      socket.reconnect();
      await settle();
      expect(tokenCalls.length).toBe(asked + 1);
      expect(dialled.filter(({ live }) => live)).toHaveLength(1);
      await become('ready');
      await world.advance(60_000);
      expect(socket.getSnapshot().status).toBe('ready');
    },
  );

  test('leaves no trace of the tries before it in the snapshot', async () => {
    const getToken = vi.fn().mockResolvedValueOnce('token').mockReturnValue(never());
    const { socket, dial, world } = rig({ getToken });
    (await dial()).drop();
    await world.advance(1000);
    expect(socket.getSnapshot()).toMatchObject({ status: 'fetching-token', attempt: 2 });
    socket.reconnect();
    expect(socket.getSnapshot()).toEqual({
      status: 'fetching-token',
      attempt: 1,
      failure: undefined,
    });
  });

  test('keeps what is queued', async () => {
    const { socket, become, last } = rig();
    socket.connect();
    socket.send('kept');
    socket.reconnect();
    await become('ready');
    expect(last().sent.at(-1)).toBe('kept');
  });

  test('holds the socket as connect() does, also within the grace of a release', async () => {
    const { socket, world, become } = rig();
    const release = socket.retain();
    await become('ready');
    release();
    socket.reconnect();
    await become('ready');
    await world.advance(60_000);
    expect(socket.getSnapshot().status).toBe('ready');
  });
});

describe('retain()', () => {
  test('connects with the first holder and closes a second after the last', async () => {
    const { socket, world, become, leaks } = rig();
    const releases = [socket.retain(), socket.retain()];
    await become('ready');
    for (const release of releases) release();
    await world.advance(999);
    expect(socket.getSnapshot().status).toBe('ready');
    await world.advance(1);
    expect(socket.getSnapshot()).toEqual({ status: 'closed', failure: undefined });
    expect(leaks()).toEqual(nothing);
  });

  test('a release counts once, however often it is called', async () => {
    const { socket, world, become } = rig();
    const release = socket.retain();
    socket.retain();
    await become('ready');
    release();
    release();
    await world.advance(5000);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('a holder that comes within the grace keeps the socket for as long as it stays', async () => {
    const { socket, world, become, dialled } = rig();
    const release = socket.retain();
    await become('ready');
    release();
    await world.advance(999);
    socket.retain();
    await world.advance(60_000);
    expect(socket.getSnapshot().status).toBe('ready');
    expect(dialled).toHaveLength(1);
  });

  test('connect() outlives the holders', async () => {
    for (const order of ['before', 'after']) {
      const { socket, world, become } = rig();
      if (order === 'before') socket.connect();
      const release = socket.retain();
      await become('ready');
      release();
      if (order === 'after') socket.connect();
      await world.advance(5000);
      expect(socket.getSnapshot().status).toBe('ready');
    }
  });

  test('a connect() that was ended by close() does not hold what is retained later', async () => {
    const { socket, world, become } = rig();
    await become('ready');
    socket.close();
    const release = socket.retain();
    await become('ready');
    release();
    await world.advance(1000);
    expect(socket.getSnapshot().status).toBe('closed');
  });

  test('close() is final for the holders that there are; the next first one opens it again', async () => {
    const { socket, world, become } = rig();
    const release = socket.retain();
    await become('ready');
    socket.close();
    const another = socket.retain();
    await world.advance(5000);
    expect(socket.getSnapshot().status).toBe('closed');
    release();
    another();
    socket.retain();
    expect(socket.getSnapshot().status).toBe('fetching-token');
  });

  test('letting go of a closed socket arms nothing', async () => {
    const { socket, become, leaks } = rig();
    const release = socket.retain();
    await become('ready');
    socket.close();
    release();
    expect(leaks()).toEqual(nothing);
  });

  test('close() during the grace, then connect(): the old grace closes nothing', async () => {
    const { socket, world, become } = rig();
    const release = socket.retain();
    await become('ready');
    release();
    socket.close();
    await become('ready');
    await world.advance(5000);
    expect(socket.getSnapshot().status).toBe('ready');
  });
});

describe('a socket that closes under its holders', () => {
  test('opens again by reconnect() for as long as they hold it, and no longer', async () => {
    const { socket, world, become } = rig();
    const release = socket.retain();
    await become('ready');
    socket.close();
    socket.reconnect();
    await become('ready');
    release();
    await world.advance(1000);
    expect(socket.getSnapshot().status).toBe('closed');
  });

  test('is kept open by connect() when they have gone', async () => {
    const { socket, world, become } = rig();
    const release = socket.retain();
    socket.close();
    socket.connect();
    release();
    await become('ready');
    await world.advance(5000);
    expect(socket.getSnapshot().status).toBe('ready');
  });
});

describe('configure()', () => {
  test('binds what was given, not what is bound already: a chain would grow with every render', () => {
    const bindAgain = vi.fn();
    const decide = Object.assign(() => undefined, {
      bind: () => Object.assign(() => undefined, { bind: bindAgain }),
    });
    const { socket } = rig({ retry: { decide } });
    socket.configure({});
    socket.configure({});
    expect(bindAgain).not.toHaveBeenCalled();
  });

  test('puts functions in place for their next call', async () => {
    const { socket, dial, become, last } = rig();
    await become('ready');
    socket.configure({
      url: 'wss://other.test/',
      getToken: () => 'newer',
      initPayload: 'newer payload',
      isReady: (message) => message === 'newer ack',
    });
    last().drop();
    const ws = await dial();
    expect(ws.url).toBe('wss://other.test/?token=newer');
    ws.accept();
    await settle();
    expect(ws.sent).toEqual(['newer payload']);
    ws.say('newer ack');
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('keeps what it is not given', async () => {
    const codec = {
      encode: (message: unknown) => `<${message}>`,
      decode: (frame: unknown) => [frame],
    };
    const { socket, world, become, last } = rig({
      codec,
      queue: false,
      initPayload: 'jwt',
      retry: { initialDelay: 100 },
    });
    socket.configure({ isRejected: () => false });
    await become('ready');
    expect(last().sent).toEqual(['<jwt>']);
    last().drop();
    expect(waitLeft(socket, world)).toBe(50);
    expect(socket.send('1')).toBe('refused');
  });

  test('refuses what the constructor refuses, and nothing has changed then', async () => {
    const { socket, become, last } = rig();
    expect(() => socket.configure({ url: 'wss://other.test/', getToken: 5 as never })).toThrow(
      /getToken must be a function/,
    );
    await become('ready');
    expect(last().url).toContain('wss://example.test/socket');
  });
});

describe('ready()', () => {
  test('resolves with the ack, at once where the socket is ready', async () => {
    const { socket, become } = rig();
    const early = socket.ready();
    await become('ready');
    expect(await early).toBe(originalAck);
    expect(await socket.ready()).toBe(originalAck);
  });

  test('does not open the socket', async () => {
    const { socket, events } = rig();
    socket.ready();
    await settle();
    expect(events).toEqual([]);
  });

  test('waits through failures, until a try succeeds', async () => {
    const { socket, dial, become } = rig();
    (await dial()).drop();
    const ready = socket.ready();
    await become('ready');
    expect(await ready).toBe(originalAck);
  });

  test('rejects when the socket is closed, and where it is closed already', async () => {
    const { socket } = rig();
    socket.connect();
    const ready = socket.ready();
    socket.close();
    const closed = { name: 'TwoStageError', code: 'closed', stage: 'ready', retryable: false };
    await expect(ready).rejects.toMatchObject(closed);
    await expect(socket.ready()).rejects.toMatchObject(closed);
  });

  test('rejects with the failure when the socket gives up', async () => {
    const { socket, dial } = rig();
    const ws = await dial();
    const ready = socket.ready();
    ws.accept();
    ws.drop(4403);
    await expect(ready).rejects.toMatchObject({ code: 'forbidden', closeCode: 4403 });
    await expect(socket.ready()).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('rejects with the reason of its signal, whether that has aborted or will', async () => {
    const { socket, become } = rig();
    socket.connect();
    await expect(socket.ready({ signal: AbortSignal.abort('before') })).rejects.toBe('before');
    const controller = new AbortController();
    const ready = socket.ready({ signal: controller.signal });
    controller.abort('later');
    await expect(ready).rejects.toBe('later');
    await become('ready');
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('leaves no listener on a signal that outlives it', async () => {
    const { socket, become } = rig();
    const { signal } = new AbortController();
    const [add, remove] = [
      vi.spyOn(signal, 'addEventListener'),
      vi.spyOn(signal, 'removeEventListener'),
    ];
    const ready = socket.ready({ signal });
    await become('ready');
    await ready;
    expect(remove.mock.calls).toEqual(add.mock.calls);
    expect(add).toHaveBeenCalledTimes(1);
  });

  test("of one user is never answered by the next user's connection", async () => {
    const { socket, dial, become } = rig();
    socket.connect();
    const ofAda = socket.ready();
    socket.on('error', () => {
      socket.close();
      socket.connect();
    });
    (await dial()).drop();
    await become('ready');
    await expect(ofAda).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('iteration', () => {
  /** Iterates in the background; `taken` fills as messages come. */
  function iterate(socket: TwoStageSocket<any, any>, each: (message: any) => unknown = () => {}) {
    const taken: unknown[] = [];
    const done = (async () => {
      for await (const message of socket) {
        taken.push(message);
        await each(message);
      }
    })();
    done.catch(() => {});
    return { taken, done };
  }

  test('loses nothing, however slow the loop is, and ends when the socket is closed', async () => {
    const { socket, become } = rig();
    const ws = await become('ready');
    let goOn!: () => void;
    const { taken, done } = iterate(socket, () => new Promise<void>((next) => (goOn = next)));
    for (let n = 1; n <= 5; n += 1) ws.say(`${n}`);
    await settle();
    expect(taken).toEqual(['1']);
    for (let n = 6; n <= 9; n += 1) ws.say(`${n}`);
    socket.close();
    for (let n = 1; n <= 9; n += 1) {
      goOn();
      await settle();
    }
    await done;
    expect(taken).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
  });

  test('goes on over a loss', async () => {
    const { socket, become } = rig();
    const ws = await become('ready');
    const { taken } = iterate(socket);
    ws.say('before');
    ws.drop();
    (await become('ready')).say('after');
    await settle();
    expect(taken).toEqual(['before', 'after']);
  });

  test('throws the failure with which the socket closes, after the messages before it', async () => {
    const { socket, become } = rig();
    const ws = await become('ready');
    const { taken, done } = iterate(socket);
    ws.say('last words');
    ws.drop(4403);
    await expect(done).rejects.toMatchObject({ code: 'forbidden' });
    expect(taken).toEqual(['last words']);
  });

  test('gives every loop every message', async () => {
    const { socket, become } = rig();
    const ws = await become('ready');
    const loops = [iterate(socket), iterate(socket)];
    ws.say('hello');
    await settle();
    expect(loops.map(({ taken }) => taken)).toEqual([['hello'], ['hello']]);
  });

  test('ends at once where the socket is closed', async () => {
    const { socket } = rig();
    socket.close();
    await iterate(socket).done;
  });

  test('does not go on as the next user after close() and connect() in one tick', async () => {
    const { socket, become } = rig();
    await become('ready');
    const { taken, done } = iterate(socket);
    const ended = vi.fn();
    done.then(ended);
    await settle();
    socket.close();
    socket.connect();
    await settle();
    (await become('ready')).say("the next user's");
    await settle();
    expect(taken).toEqual([]);
    expect(ended).toHaveBeenCalled();
  });

  test('takes its listeners off when the loop is left', async () => {
    const { socket, become } = rig();
    const ws = await become('ready');
    const offs: Mock[] = [];
    const { on } = socket;
    vi.spyOn(socket, 'on').mockImplementation((event, listener) => {
      const off = vi.fn(on(event, listener));
      offs.push(off);
      return off;
    });
    const { done } = iterate(socket);
    ws.drop(4403);
    await expect(done).rejects.toThrow();
    expect(offs.length).toBeGreaterThan(0);
    for (const off of offs) expect(off).toHaveBeenCalled();
  });

  test('stops keeping messages when the loop is left', async () => {
    const { socket, become } = rig();
    const ws = await become('ready');
    const { taken, done } = iterate(socket, () => {
      throw new Error('enough');
    });
    ws.say('1');
    await expect(done).rejects.toThrow('enough');
    ws.say('2');
    expect(taken).toEqual(['1']);
  });
});

describe('listeners', () => {
  test('are told until they are taken off, each on its own', async () => {
    const { socket, become } = rig();
    const ws = await become('ready');
    const [once, always, state] = [vi.fn(), vi.fn(), vi.fn()];
    const off = socket.on('message', once);
    socket.on('message', always);
    const unsubscribe = socket.subscribe(state);
    ws.say('1');
    off();
    off();
    unsubscribe();
    ws.say('2');
    socket.close();
    expect(once.mock.calls).toEqual([['1']]);
    expect(always.mock.calls).toEqual([['1'], ['2']]);
    expect(state).not.toHaveBeenCalled();
  });

  test('of subscribe() are given nothing, as stores expect', async () => {
    const { socket } = rig();
    const listener = vi.fn();
    socket.subscribe(listener);
    socket.connect();
    expect(listener.mock.calls).toEqual([[]]);
  });

  test('that throw hurt nobody else, and are reported as uncaught', async () => {
    catchUncaught();
    const { socket, become } = rig();
    const oops = new Error('oops');
    for (const event of ['message', 'ready', 'statechange', 'error', 'close', 'unsent'] as const) {
      socket.on(event, () => {
        throw oops;
      });
    }
    const heard = vi.fn();
    socket.on('message', heard);
    const ws = await become('ready');
    ws.say('hello');
    expect(heard).toHaveBeenCalledWith('hello');
    ws.drop();
    await become('ready');
    expect(socket.getSnapshot().status).toBe('ready');
    socket.close();
    expect(uncaught.mock.calls.every(([error]) => error === oops)).toBe(true);
    expect(uncaught.mock.calls.length).toBeGreaterThan(10);
  });

  test('hear of events in one order, whatever the first of them does', async () => {
    const { socket, become } = rig();
    await become('ready');
    socket.subscribe(() => {
      if (socket.getSnapshot().status === 'closed') socket.connect();
    });
    const second: string[] = [];
    socket.on('statechange', ({ status }) => second.push(status));
    socket.on('close', () => second.push('close'));
    socket.close();
    expect(second).toEqual(['closed', 'close', 'fetching-token']);
    expect(socket.getSnapshot().status).toBe('fetching-token');
  });

  const calls: [string, (socket: TwoStageSocket<any, any>) => unknown, string][] = [
    ['close', (socket) => socket.close(), 'closed'],
    ['reconnect', (socket) => socket.reconnect(), 'fetching-token'],
    ['connect', (socket) => socket.connect(), 'ready'],
    ['send', (socket) => socket.send('from a listener'), 'ready'],
    ['close, then connect', (socket) => [socket.close(), socket.connect()], 'fetching-token'],
    ['retain', (socket) => socket.retain(), 'ready'],
  ];
  test.each(calls)('of ready may call %s', async (_name, call, status) => {
    const { socket, world, become, dialled } = rig();
    const off = socket.on('ready', () => {
      off();
      call(socket);
    });
    await become('ready');
    expect(socket.getSnapshot().status).toBe(status);
    await settle();
    expect(dialled.filter(({ live }) => live)).toHaveLength(status === 'closed' ? 0 : 1);
    if (status !== 'closed') await become('ready').catch(() => {});
    await world.advance(9000);
    expect(socket.getSnapshot().status).toBe(status === 'closed' ? 'closed' : 'ready');
  });

  test('of ready send after what was queued before', async () => {
    const { socket, become, last } = rig();
    socket.send('queued');
    socket.on('ready', () => socket.send('from the listener'));
    await become('ready');
    expect(last().sent.slice(1)).toEqual(['queued', 'from the listener']);
  });

  test('of message that close hear no more of the same frame', async () => {
    const codec = { encode: String, decode: (frame: string) => frame.split('|') };
    const { socket, events, become } = rig({ codec });
    socket.on('message', () => socket.close());
    const ws = await become('ready');
    ws.say('1|2|3');
    expect(events.slice(-3)).toEqual(['message "1"', 'state closed', 'close']);
  });
});

describe('methods', () => {
  test('are bound and keep their identity', async () => {
    const { socket, become } = rig();
    const names = [
      'connect',
      'close',
      'reconnect',
      'send',
      'configure',
      'on',
      'subscribe',
      'getSnapshot',
      'retain',
      'ready',
    ] as const;
    const before = names.map((name) => socket[name]);
    const { connect, send, getSnapshot, close } = socket;
    connect();
    await become('ready');
    expect(send('hello')).toBe('sent');
    close();
    expect(getSnapshot().status).toBe('closed');
    expect(names.map((name) => socket[name])).toEqual(before);
  });

  test('[Symbol.dispose] closes', async () => {
    const { socket, become, leaks } = rig();
    await become('ready');
    socket[Symbol.dispose]();
    expect(socket.getSnapshot()).toEqual({ status: 'closed', failure: undefined });
    expect(leaks()).toEqual(nothing);
  });
});

describe('errors', () => {
  test('are told once each, and stand in the state', async () => {
    const { socket, dial } = rig();
    const errors: TwoStageError[] = [];
    socket.on('error', (error) => errors.push(error));
    (await dial()).drop();
    expect(errors).toHaveLength(1);
    expect(socket.getSnapshot()).toMatchObject({ status: 'waiting', attempt: 1 });
    expect((socket.getSnapshot() as { failure?: unknown }).failure).toBe(errors[0]);
  });

  test('that are final are told before unsent messages, and the close comes last', async () => {
    const { socket, dial, events } = rig();
    socket.send('lost');
    const ws = await dial();
    ws.accept();
    ws.drop(4403);
    expect(events.slice(-4)).toEqual([
      'state closed',
      'error forbidden',
      'unsent "lost" closed',
      'close forbidden',
    ]);
  });
});
