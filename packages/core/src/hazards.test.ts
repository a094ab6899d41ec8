import { describe, expect, test, vi } from 'vitest';
import {
  deferred,
  type FakeWebSocket,
  never,
  nothing,
  originalAck,
  type Rig,
  rig,
  settle,
  v1,
  waitLeft,
} from './testing/fakes.test.util.ts';

/** Serves every attempt with `serve` for `ms`, and counts what that cost. */
async function storm(
  { socket, world, dialled, tokenCalls }: Rig,
  ms: number,
  serve: (ws: FakeWebSocket) => void,
) {
  socket.connect();
  const until = world.now() + ms;
  while (world.now() < until) {
    await world.advance(Math.min(waitLeft(socket, world) || 1000, until - world.now()));
    const ws = dialled.at(-1);
    if (ws?.readyState === 0) serve(ws);
  }
  return { sockets: dialled.length, tokens: tokenCalls.length };
}

const acceptThenDrop = (ws: FakeWebSocket) => {
  ws.accept();
  ws.drop();
};

describe('the hazards of reconnecting wrappers', () => {
  test('1: what was queued does not overtake the init payload, and waits for the ack', async () => {
    const { socket, dial } = rig();
    socket.send('app-1');
    socket.send('app-2');
    const ws = await dial();
    ws.accept();
    await settle();
    expect(ws.sent).toEqual(['{"type":"jwt","token":"jwt-1"}']);
    ws.say(originalAck);
    expect(ws.sent.slice(1)).toEqual(['app-1', 'app-2']);
  });

  test('2: a token route that fails once is asked again, and nothing is wedged', async () => {
    const getToken = vi.fn().mockRejectedValueOnce({ status: 503 }).mockResolvedValue('token');
    const { socket, world, become } = rig({ getToken });
    socket.connect();
    await settle();
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { stage: 'token', code: 'token-failed', status: 503 },
    });
    await world.advance(2000);
    await become('ready');
    expect(socket.getSnapshot().status).toBe('ready');
    expect(getToken).toHaveBeenCalledTimes(2);
  });

  test('3: an init payload that fails once is asked again', async () => {
    const initPayload = vi
      .fn()
      .mockRejectedValueOnce(new Error('offline'))
      .mockResolvedValue('jwt');
    const { socket, become } = rig({ initPayload });
    socket.connect();
    await settle();
    expect(socket.getSnapshot()).toMatchObject({ failure: { stage: 'init', code: 'init-failed' } });
    await become('ready');
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('4: a server that never acknowledges is left, and tried again', async () => {
    const { socket, world, become, last } = rig();
    const silent = await become('authenticating');
    await world.advance(9_999);
    expect(socket.getSnapshot().status).toBe('authenticating');
    await world.advance(1);
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { stage: 'init', code: 'init-timeout' },
    });
    expect(silent.live).toBe(false);
    await world.advance(50_000);
    expect(last()).not.toBe(silent);
  });

  test("5: a switch of user while the token is fetched never uses the first user's token", async () => {
    const ada = deferred<string>();
    const getToken = vi.fn().mockReturnValueOnce(ada.promise).mockReturnValueOnce('token-of-bob');
    const { socket, dialled } = rig({ getToken });
    socket.connect();
    await settle();
    socket.close();
    socket.connect();
    ada.resolve('token-of-ada');
    await settle();
    expect(dialled.map(({ token }) => token)).toEqual(['token-of-bob']);
    expect(getToken.mock.calls[0]?.[0].signal.aborted).toBe(true);
    expect(getToken.mock.calls[1]?.[0].previous).toBeUndefined();
  });

  test('6: a server that refuses every JWT costs two tokens, and then the socket is closed', async () => {
    const r = rig();
    const cost = await storm(r, 60_000, (ws) => {
      ws.accept();
      ws.drop(4401);
    });
    expect(cost).toEqual({ sockets: 2, tokens: 2 });
    expect(r.socket.getSnapshot()).toMatchObject({
      status: 'closed',
      failure: { code: 'unauthorized', closeCode: 4401 },
    });
  });

  test('7: opening does not start the count of tries over', async () => {
    const r = rig({ retry: { maxAttempts: 3 } });
    const cost = await storm(r, 60_000, (ws) => {
      ws.accept();
      ws.drop(1011);
    });
    expect(cost.sockets).toBe(3);
    expect(r.socket.getSnapshot()).toMatchObject({ status: 'closed' });
  });
});

describe("the hazards of hooks, for core's part; the adapters' contract has 8 to 16 (re-renders, StrictMode, sharing, a lost last message) again", () => {
  test('8: newer closures put in place reconnect nothing, and are the ones that are called', async () => {
    const { socket, world, dialled, tokenCalls, become } = rig();
    await become('ready');
    const newest = vi.fn(() => 'newest');
    for (let render = 1; render <= 8; render += 1) {
      socket.configure({
        url: () => 'wss://example.test/socket',
        getToken: () => `stale-${render}`,
      });
    }
    socket.configure({ getToken: newest });
    await world.advance(60_000);
    expect([dialled.length, tokenCalls.length, newest.mock.calls.length]).toEqual([1, 1, 0]);
    dialled[0]?.drop();
    await world.advance(2000);
    expect(dialled[1]?.token).toBe('newest');
  });

  test('9: three holders share one token and one socket, which closes after the last', async () => {
    const { socket, world, dialled, tokenCalls, become } = rig();
    const releases = [socket.retain(), socket.retain(), socket.retain()];
    await become('ready');
    expect([dialled.length, tokenCalls.length]).toEqual([1, 1]);
    for (const release of releases) {
      await world.advance(5000);
      expect(socket.getSnapshot().status).toBe('ready');
      release();
    }
    await world.advance(1000);
    expect(socket.getSnapshot()).toEqual({ status: 'closed', failure: undefined });
  });

  test('10: mount, unmount, mount before the token arrives is one token and one socket', async () => {
    const { socket, dialled, tokenCalls } = rig();
    const unmount = socket.retain();
    unmount();
    socket.retain();
    await settle();
    expect([dialled.length, tokenCalls.length]).toEqual([1, 1]);
  });

  test('11: messages that nobody reads change nothing that a component renders', async () => {
    const { socket, become } = rig();
    const ws = await become('ready');
    const render = vi.fn();
    for (let component = 1; component <= 20; component += 1) socket.subscribe(render);
    for (let n = 1; n <= 20; n += 1) ws.say(`message ${n}`);
    expect(render).not.toHaveBeenCalled();
  });

  test('12: a hundred messages in a burst are a hundred events', async () => {
    const { socket, become } = rig();
    const ws = await become('ready');
    const seen: unknown[] = [];
    socket.on('message', (message) => seen.push(message));
    for (let n = 1; n <= 100; n += 1) ws.say({ n });
    expect(seen).toEqual(Array.from({ length: 100 }, (_, n) => ({ n: n + 1 })));
  });

  test('13: ten identical messages are ten events', async () => {
    const { socket, become } = rig();
    const ws = await become('ready');
    const onMessage = vi.fn();
    socket.on('message', onMessage);
    for (let n = 1; n <= 10; n += 1) ws.say('the same');
    expect(onMessage).toHaveBeenCalledTimes(10);
  });

  test('14: every status is seen by who renders it, each in a snapshot of its own', async () => {
    const { socket, become } = rig();
    const seen = [socket.getSnapshot()];
    socket.subscribe(() => seen.push(socket.getSnapshot()));
    (await become('ready')).drop();
    socket.close();
    expect(seen.map(({ status }) => status)).toEqual([
      'idle',
      'fetching-token',
      'connecting',
      'authenticating',
      'ready',
      'waiting',
      'closed',
    ]);
    expect(new Set(seen).size).toBe(7);
  });

  test('15: leaving a page for another that uses the same socket does not reopen it', async () => {
    const { socket, world, dialled, events, become } = rig();
    const leave = socket.retain();
    await become('ready');
    const before = events.length;
    leave();
    socket.retain();
    await world.advance(60_000);
    expect(dialled).toHaveLength(1);
    expect(events.slice(before)).toEqual([]);
  });

  test('16: messages are events and status is state, so a burst leaves the snapshot alone', async () => {
    const { socket, become } = rig();
    const ws = await become('ready');
    const before = socket.getSnapshot();
    const [onMessage, onState] = [vi.fn(), vi.fn()];
    socket.on('message', onMessage);
    socket.subscribe(onState);
    for (let n = 1; n <= 100; n += 1) ws.say(n.toString());
    expect(onMessage).toHaveBeenCalledTimes(100);
    expect(onState).not.toHaveBeenCalled();
    expect(socket.getSnapshot()).toBe(before);
  });
});

describe('the hazards of clients that authenticate', () => {
  test('accept, then drop before the ack: a retry, then a slow lane that burns no tokens', async () => {
    const r = rig();
    expect(await storm(r, 12_000, acceptThenDrop)).toEqual({ sockets: 2, tokens: 2 });
    expect(r.socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { code: 'init-dropped' },
    });
    const anHour = await storm(r, 3_600_000, acceptThenDrop);
    expect(anHour.sockets).toBeLessThan(25);
    expect(anHour.tokens).toBe(anHour.sockets);
  });

  test('accept, then drop after the ack: the delays go on growing', async () => {
    const r = rig();
    const waits: number[] = [];
    for (let tries = 1; tries <= 7; tries += 1) {
      const ws = await r.become('ready');
      await r.world.advance(20);
      ws.drop();
      waits.push(waitLeft(r.socket, r.world));
    }
    expect(waits).toEqual([...new Set(waits)].sort((a, b) => a - b));
  });

  test('a server that never acks is not waited for longer than the init timeout, minute after minute', async () => {
    const r = rig();
    const { sockets } = await storm(r, 60_000, (ws) => ws.accept());
    expect(sockets).toBeGreaterThan(2);
    expect(r.dialled.filter(({ live }) => live).length).toBeLessThanOrEqual(1);
    expect(r.events.filter((event) => event === 'error init-timeout').length).toBeGreaterThan(2);
  });

  test('a token function that never settles is given up, told so, and asked again', async () => {
    const getToken = vi.fn(() => never<string>());
    const { socket, world } = rig({ getToken });
    socket.connect();
    await world.advance(10_000);
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { stage: 'token', code: 'token-timeout' },
    });
    const [first] = getToken.mock.calls[0] as unknown as [{ signal: AbortSignal }];
    expect(first.signal.aborted).toBe(true);
    await world.advance(20_000);
    expect(getToken.mock.calls.length).toBeGreaterThan(1);
  });

  test('three round trips and not four: token and payload are asked together, the payload leaves with the open', async () => {
    const [token, payload] = [deferred<string>(), deferred<unknown>()];
    const asked: string[] = [];
    const { socket, last } = rig({
      getToken: () => {
        asked.push('token');
        return token.promise;
      },
      initPayload: () => {
        asked.push('payload');
        return payload.promise;
      },
    });
    socket.connect();
    expect(asked.sort()).toEqual(['payload', 'token']);
    payload.resolve('jwt');
    await settle();
    token.resolve('token');
    await settle();
    last().accept();
    expect(last().sent).toEqual(['jwt']);
  });

  test('the upgrade does not wait for the payload', async () => {
    const payload = deferred<unknown>();
    const { dial } = rig({ initPayload: () => payload.promise });
    const ws = await dial();
    ws.accept();
    expect(ws.sent).toEqual([]);
    payload.resolve('jwt');
    await settle();
    expect(ws.sent).toEqual(['jwt']);
  });

  test('stopping during the wait stops', async () => {
    const { socket, world, dial, tokenCalls, leaks } = rig();
    (await dial()).drop();
    socket.close();
    await world.advance(600_000);
    expect(tokenCalls).toHaveLength(1);
    expect(leaks()).toEqual(nothing);
  });

  test('at the cap the delays are still spread', async () => {
    const waits = new Set<number>();
    for (const chance of [0.1, 0.5, 0.9]) {
      const { socket, world, dial } = rig();
      world.chance = chance;
      for (let tries = 1; tries <= 12; tries += 1) (await dial()).drop();
      waits.add(waitLeft(socket, world));
    }
    expect([...waits]).toEqual([2000, 10_000, 18_000]);
  });
});

describe('the hazards that a prototype of this design fell into', () => {
  test('connect() then close() in one tick asks for nothing more and leaves nothing', async () => {
    const { socket, world, dialled, events, leaks } = rig();
    socket.connect();
    socket.close();
    expect(socket.getSnapshot()).toEqual({ status: 'closed', failure: undefined });
    await world.advance(60_000);
    expect(dialled).toEqual([]);
    expect(events).toEqual(['state fetching-token', 'state closed', 'close']);
    expect(leaks()).toEqual(nothing);
  });

  test('connect() then ready() in one tick waits for the connection', async () => {
    const { socket, become } = rig();
    socket.connect();
    const ready = socket.ready();
    await become('ready');
    expect(await ready).toBe(originalAck);
  });

  test('a token fetch that never settles is not shared with the attempt after it', async () => {
    const getToken = vi.fn().mockReturnValueOnce(never()).mockReturnValue('token');
    const { socket, world, become } = rig({ getToken });
    socket.connect();
    await world.advance(12_000);
    await become('ready');
    expect(socket.getSnapshot()).toMatchObject({ status: 'ready', attempt: 2 });
  });

  test('a message queued while idle never goes out as another user', async () => {
    const { socket, events, become } = rig();
    expect(socket.send('of ada')).toBe('queued');
    socket.close();
    expect(events).toContain('unsent "of ada" closed');
    const ws = await become('ready');
    expect(ws.sent).toEqual(['{"type":"jwt","token":"jwt-1"}']);
  });

  const offersV1 = { getToken: () => ({ token: 'token', protocol: v1 }) };

  test('a server that ignores the offered subprotocol is spoken to on the original wire', async () => {
    const { socket, dial } = rig(offersV1);
    const ws = await dial();
    expect(ws.protocols).toEqual([v1]);
    ws.accept('');
    await settle();
    ws.say(originalAck);
    expect(socket.getSnapshot()).toMatchObject({ status: 'ready', wire: 'original' });
    socket.send({ a: 1 });
    expect(ws.sent.at(-1)).toBe('{"a":1}');
  });

  test('a server that echoes it but speaks the original wire is spoken to on that', async () => {
    const { socket, events, dial } = rig(offersV1);
    const ws = await dial();
    ws.accept(v1);
    await settle();
    ws.say(originalAck);
    expect(socket.getSnapshot()).toMatchObject({ status: 'ready', wire: 'original' });
    ws.say('echo: hello');
    ws.say({ type: 'ping' });
    expect(events.slice(-2)).toEqual(['message "echo: hello"', 'message {"type":"ping"}']);
    socket.send('hello');
    expect(ws.sent.at(-1)).toBe('hello');
  });

  test('a WebSocket constructor whose error contains the token shows it to nobody', async () => {
    const { socket } = rig({
      WebSocket: class {
        constructor(url: string) {
          throw new SyntaxError(`The URL '${url}' is invalid`);
        }
      },
    });
    const errors: Error[] = [];
    socket.on('error', (error) => errors.push(error));
    socket.connect();
    await settle();
    const [error] = errors;
    expect(error).toMatchObject({ code: 'address-refused', stage: 'connect' });
    expect(error?.cause).toBeUndefined();
    const told = [
      error,
      error?.stack,
      error?.message,
      JSON.stringify([error, socket.getSnapshot()]),
    ];
    expect(told.join()).not.toContain('token-1');
  });

  test.each(['fetching-token', 'connecting', 'authenticating', 'ready', 'waiting'])(
    'a listener that calls close() inside statechange, at %s, hears of nothing but the close',
    async (status) => {
      const { socket, world, dial, events, leaks, tokenCalls, payloadCalls } = rig();
      socket.subscribe(() => {
        if (socket.getSnapshot().status === status) socket.close();
      });
      const ws = await dial().catch(() => undefined);
      ws?.accept();
      await settle();
      ws?.say(originalAck);
      ws?.say('more');
      ws?.drop();
      await world.advance(60_000);
      const after = events.slice(events.indexOf(`state ${status}`) + 1);
      expect(after).toEqual(['state closed', 'close']);
      const asked = status === 'fetching-token' ? 0 : 1;
      expect([tokenCalls.length, payloadCalls.length]).toEqual([asked, asked]);
      expect(leaks()).toEqual(nothing);
    },
  );
});
