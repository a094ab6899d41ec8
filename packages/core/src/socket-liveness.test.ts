import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeWebSocket, nothing, rig, v1 } from './testing/fakes.test.util.ts';
import { pings, type RigV1, rigV1 } from './testing/v1.test.util.ts';

const uncaught = vi.fn();

beforeEach(() => {
  uncaught.mockClear();
  vi.stubGlobal('reportError', uncaught);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const dead = {
  status: 'waiting',
  failure: { stage: 'ready', code: 'heartbeat-timeout', retryable: true },
};

describe('the heartbeat', () => {
  test('asks as often as the ack says, and lets go of a connection that does not answer', async () => {
    const { socket, world, ready, events } = rigV1();
    const ws = await ready({ heartbeat: 25_000 });
    await world.advance(24_999);
    expect(pings(ws)).toBe(0);
    await world.advance(1);
    expect(pings(ws)).toBe(1);
    await world.advance(9999);
    expect(socket.getSnapshot().status).toBe('ready');
    await world.advance(1);
    expect(socket.getSnapshot()).toMatchObject(dead);
    expect(events.slice(-2)).toEqual(['state waiting', 'error heartbeat-timeout']);
    expect([ws.live, ws.attached]).toEqual([false, false]);
  });

  test('comes back by itself, with a fresh token and payload', async () => {
    const { socket, world, ready, tokenCalls, payloadCalls } = rigV1();
    await ready();
    await world.advance(35_000);
    await ready();
    expect(socket.getSnapshot().status).toBe('ready');
    expect(tokenCalls.at(-1)).toMatchObject({ reason: 'heartbeat-timeout' });
    expect(payloadCalls.at(-1)).toMatchObject({ reason: 'heartbeat-timeout' });
  });

  test.each([1000, 5000, 10_000, 25_000, 600_000])(
    'of %d ms notices a half-open connection within interval and deadline, and not before',
    async (heartbeat) => {
      const { socket, world, ready } = rigV1();
      const ws = await ready({ heartbeat });
      for (let beat = 1; beat <= 3; beat += 1) {
        await world.advance(heartbeat);
        ws.say({ type: 'pong' });
      }
      const deadline = Math.min(heartbeat, 10_000);
      await world.advance(heartbeat + deadline - 1);
      expect(socket.getSnapshot().status).toBe('ready');
      await world.advance(1);
      expect(socket.getSnapshot()).toMatchObject(dead);
    },
  );

  test('of the option goes before that of the ack', async () => {
    const { socket, world, ready } = rigV1({ heartbeat: { interval: 8000, timeout: 3000 } });
    const ws = await ready({ heartbeat: 25_000 });
    await world.advance(10_999);
    expect([pings(ws), socket.getSnapshot().status]).toEqual([1, 'ready']);
    await world.advance(1);
    expect(socket.getSnapshot()).toMatchObject(dead);
  });

  test('with a timeout of 0 waits for an answer as long as the interval', async () => {
    const { socket, world, ready } = rigV1({ heartbeat: { interval: 8000, timeout: 0 } });
    await ready();
    await world.advance(15_999);
    expect(socket.getSnapshot().status).toBe('ready');
    await world.advance(1);
    expect(socket.getSnapshot()).toMatchObject(dead);
  });

  test.each<[string, object]>([
    ['frame of the application', { type: 'message', data: 'hello' }],
    ['frame of a type that is not known', { type: 'news' }],
    ['ping', { type: 'ping' }],
    ['binary frame', new ArrayBuffer(1)],
  ])('takes any %s for a sign of life', async (_name, frame) => {
    const { socket, world, ready } = rigV1();
    const ws = await ready({ heartbeat: 5000 });
    await world.advance(5000);
    for (let beat = 1; beat <= 10; beat += 1) {
      await world.advance(4000);
      ws.say(frame);
    }
    expect(socket.getSnapshot().status).toBe('ready');
    await world.advance(10_000);
    expect(socket.getSnapshot()).toMatchObject(dead);
  });

  test('takes a frame from before the question for no answer', async () => {
    const { socket, world, ready } = rigV1();
    const ws = await ready();
    world.show();
    ws.say({ type: 'message', data: 'held back while the page was hidden' });
    await world.advance(5999);
    expect(socket.getSnapshot().status).toBe('ready');
    await world.advance(1);
    expect(socket.getSnapshot()).toMatchObject(dead);
  });

  test('takes a frame that cannot be read for a sign of life too', async () => {
    const { socket, world, ready, events } = rigV1({
      codec: {
        encode: String,
        decode: () => {
          throw new Error('unreadable');
        },
      },
    });
    const ws = await ready({ heartbeat: 5000 });
    await world.advance(9000);
    ws.say(new ArrayBuffer(1));
    await world.advance(4000);
    expect(socket.getSnapshot().status).toBe('ready');
    expect(events.at(-1)).toBe('error frame-invalid');
  });

  test.each([0, -1, '', null, undefined, 'often', {}])(
    'that the ack gives as %j is none',
    async (heartbeat) => {
      const { socket, world, ready } = rigV1();
      const ws = await ready({ heartbeat, expiresIn: undefined });
      expect(world.timers).toBe(0);
      await world.advance(3_600_000);
      expect([pings(ws), socket.getSnapshot().status]).toEqual([0, 'ready']);
    },
  );

  test.each([0.001, 1, 999])(
    'that the ack gives as %d ms asks each second and no more',
    async (heartbeat) => {
      const { world, ready } = rigV1();
      const ws = await ready({ heartbeat });
      for (let second = 1; second <= 10; second += 1) {
        await world.advance(1000);
        ws.say({ type: 'pong' });
      }
      expect(pings(ws)).toBe(10);
    },
  );

  test('that the ack gives as text is taken for its number', async () => {
    const { world, ready } = rigV1();
    const ws = await ready({ heartbeat: '5000' });
    await world.advance(5000);
    expect(pings(ws)).toBe(1);
  });

  test('is over with the connection', async () => {
    const { socket, world, ready, leaks } = rigV1();
    const ws = await ready({ heartbeat: 5000, expiresIn: undefined });
    await world.advance(6000);
    ws.drop();
    expect(world.timers).toBe(1);
    socket.close();
    expect(leaks()).toEqual(nothing);
  });

  test('does not ask a connection that is being closed, whose end is on its way', async () => {
    const { world, ready, leaks } = rigV1();
    const ws = await ready({ heartbeat: 5000 });
    ws.readyState = 2;
    await world.advance(60_000);
    expect(leaks().late).toBe(0);
  });

  test.each([v1, 'original'])('of false asks nothing, ever, on %s', async (wire) => {
    const r = rigV1({ heartbeat: false, protocols: wire === v1 ? v1 : undefined });
    const ws = await (wire === v1 ? r.ready({ heartbeat: 1000 }) : r.become('ready'));
    r.socket.check();
    r.world.goOnline();
    r.world.show();
    await r.world.advance(600_000);
    expect(ws.sent).toHaveLength(1);
    expect(r.socket.getSnapshot().status).toBe('ready');
  });

  test('that is put in place later is used from the next connection on', async () => {
    const { socket, world, ready } = rigV1({ heartbeat: false });
    const first = await ready();
    socket.configure({ heartbeat: { interval: 5000 } });
    await world.advance(60_000);
    expect(pings(first)).toBe(0);
    first.drop();
    const second = await ready();
    await world.advance(5000);
    expect(pings(second)).toBe(1);
  });
});

describe('on the original wire', () => {
  const options = {
    interval: 20_000,
    ping: () => ({ op: 'ping' }),
    isPong: (message: any) => message.op === 'pong',
  };

  test('nothing is asked unless the app says what a ping is', async () => {
    const { socket, world, become } = rig({ heartbeat: { interval: 1000 } });
    const ws = await become('ready');
    socket.check();
    await world.advance(600_000);
    expect(ws.sent).toHaveLength(1);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('nothing is asked at intervals unless the app says how often, but check() asks', async () => {
    const { socket, world, become } = rig({ heartbeat: { ping: () => 'ping' } });
    const ws = await become('ready');
    await world.advance(600_000);
    expect(ws.sent).toHaveLength(1);
    socket.check();
    expect(ws.sent.at(-1)).toBe('ping');
    await world.advance(3000);
    expect(socket.getSnapshot()).toMatchObject(dead);
  });

  test("the app's ping goes through its codec, and the pong is not one of its messages", async () => {
    const { socket, world, become, events } = rig({ heartbeat: options });
    const ws = await become('ready');
    await world.advance(20_000);
    expect(ws.sent.at(-1)).toBe('{"op":"ping"}');
    await world.advance(9999);
    ws.say({ op: 'pong' });
    await world.advance(1);
    expect(socket.getSnapshot().status).toBe('ready');
    ws.say({ op: 'news' });
    expect(events.filter((event) => event.startsWith('message'))).toEqual([
      'message {"op":"news"}',
    ]);
  });

  test('an answer puts the next question off by an interval', async () => {
    const { world, become } = rig({ heartbeat: options });
    const ws = await become('ready');
    await world.advance(20_000);
    ws.say({ op: 'pong' });
    await world.advance(19_999);
    expect(ws.sent).toHaveLength(2);
    await world.advance(1);
    expect(ws.sent).toHaveLength(3);
  });

  test('a ping that is put in place later is the next one, and false asks no more', async () => {
    const { socket, world, become } = rig({ heartbeat: options });
    const ws = await become('ready');
    socket.configure({ heartbeat: { ...options, ping: () => 'newest' } });
    await world.advance(20_000);
    expect(ws.sent.at(-1)).toBe('newest');
    ws.say({ op: 'pong' });
    socket.configure({ heartbeat: false });
    await world.advance(600_000);
    expect(ws.sent).toHaveLength(2);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('without isPong, what answers is a message as any other', async () => {
    const { world, become, events } = rig({ heartbeat: { ...options, isPong: undefined } });
    const ws = await become('ready');
    await world.advance(20_000);
    ws.say({ op: 'pong' });
    expect(events.at(-1)).toBe('message {"op":"pong"}');
  });

  test('with heartbeat false, isPong hides nothing', async () => {
    const { socket, become, events } = rig({ heartbeat: options });
    socket.configure({ heartbeat: false });
    (await become('ready')).say({ op: 'pong' });
    expect(events.at(-1)).toBe('message {"op":"pong"}');
  });

  test('a ping that is undefined is skipped, and nothing is lost for it', async () => {
    let due: string | undefined;
    const { socket, world, become } = rig({ heartbeat: { interval: 5000, ping: () => due } });
    const ws = await become('ready');
    await world.advance(60_000);
    expect(ws.sent).toHaveLength(1);
    expect(uncaught).not.toHaveBeenCalled();
    due = 'ping';
    await world.advance(5000);
    expect(ws.sent.at(-1)).toBe('ping');
    ws.say('pong');
    expect(socket.getSnapshot().status).toBe('ready');
  });
});

test.each(['json', 'own'])(
  'isPong is not asked on two-stage.v1, which has a pong of its own (codec: %s)',
  async (name) => {
    const own = {
      encode: (message: unknown) => JSON.stringify(message),
      decode: (frame: string) => [frame],
    };
    const { ready, events } = rigV1({
      codec: name === 'own' ? own : undefined,
      heartbeat: { isPong: (message: unknown) => message === 'pong' },
    });
    (await ready()).say({ type: 'message', data: 'pong' });
    expect(events.at(-1)).toBe('message "pong"');
  },
);

describe("the app's functions cannot hurt", () => {
  const oops = () => {
    throw new Error('oops');
  };
  const works = { interval: 5000, ping: () => 'ping' };

  test.each<[string, object]>([
    ['ping', { heartbeat: { ...works, ping: oops } }],
    ['codec', { heartbeat: works, codec: { encode: oops, decode: (frame: string) => [frame] } }],
  ])('%s that throws is reported, sends nothing and loses nothing', async (_name, options) => {
    // The codec encodes the payload as well, so the init stage is left out.
    const { socket, world, become, events } = rig({ ...options, initPayload: undefined });
    const ws = await become('ready');
    const before = events.length;
    await world.advance(20_000);
    expect(uncaught.mock.calls).toEqual(Array(4).fill([new Error('oops')]));
    expect(socket.getSnapshot().status).toBe('ready');
    expect([ws.sent.length, events.length]).toEqual([0, before]);
    socket.check();
    await world.advance(3000);
    expect(socket.getSnapshot().status).toBe('ready');
    ws.say('hello');
    expect(events.at(-1)).toBe('message "hello"');
  });

  test('a WebSocket that throws at a ping is no death of its own', async () => {
    const { socket, world, ready } = rigV1();
    const ws = await ready({ heartbeat: 5000 });
    ws.send = oops;
    await world.advance(60_000);
    expect(uncaught).toHaveBeenCalled();
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('isPong that throws is an error of that frame, and the connection goes on', async () => {
    const { socket, become, events } = rig({ heartbeat: { isPong: oops } });
    const ws = await become('ready');
    ws.say('hello');
    expect(events.at(-1)).toBe('error frame-invalid');
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test.each(['ping', 'isPong'])('%s may close the socket, which leaves nothing', async (name) => {
    const { socket, world, become, leaks, events } = rig({
      heartbeat: {
        ...works,
        [name]: () => {
          socket.close();
          return name === 'ping' ? 'ping' : false;
        },
      },
    });
    const ws = await become('ready');
    await world.advance(5000);
    if (name === 'isPong') ws.say('hello');
    expect(leaks()).toEqual(nothing);
    expect(events.slice(-2)).toEqual(['state closed', 'close']);
    await world.advance(60_000);
    expect(ws.sent).toHaveLength(name === 'ping' ? 1 : 2);
  });
});

describe('late timers', () => {
  test('a machine that slept through the deadline asks once more, and hears the answer', async () => {
    const { socket, world, ready } = rigV1();
    const ws = await ready({ heartbeat: 25_000, expiresIn: undefined });
    await world.advance(25_000);
    world.sleep(3_600_000);
    await world.advance(0);
    expect(socket.getSnapshot().status).toBe('ready');
    expect(pings(ws)).toBe(2);
    ws.say({ type: 'pong' });
    await world.advance(24_999);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('a connection that died meanwhile is noticed even so, within the deadline', async () => {
    const { socket, world, ready } = rigV1();
    await ready({ heartbeat: 25_000, expiresIn: undefined });
    await world.advance(25_000);
    world.sleep(3_600_000);
    await world.advance(9999);
    expect(socket.getSnapshot().status).toBe('ready');
    await world.advance(1);
    expect(socket.getSnapshot()).toMatchObject(dead);
  });

  test('a machine that slept while nothing was asked asks when it wakes', async () => {
    const { socket, world, ready } = rigV1();
    const ws = await ready({ heartbeat: 25_000, expiresIn: undefined });
    world.sleep(3_600_000);
    await world.advance(0);
    expect(pings(ws)).toBe(1);
    await world.advance(10_000);
    expect(socket.getSnapshot()).toMatchObject(dead);
  });

  test('a hidden page whose timers come once a minute keeps its connection while it is answered', async () => {
    const { socket, world, ready } = rigV1();
    const ws = await ready({ heartbeat: 25_000, expiresIn: undefined });
    world.hide();
    for (let minute = 1; minute <= 60; minute += 1) {
      const before = pings(ws);
      world.sleep(60_000);
      await world.advance(0);
      if (pings(ws) > before) ws.say({ type: 'pong' });
    }
    expect(socket.getSnapshot().status).toBe('ready');
    expect(pings(ws)).toBe(60);
  });

  test('and notices within a few of them that it has died', async () => {
    const { socket, world, ready } = rigV1();
    await ready({ heartbeat: 25_000, expiresIn: undefined });
    world.hide();
    for (let minute = 1; minute <= 3; minute += 1) {
      world.sleep(60_000);
      await world.advance(0);
    }
    expect(socket.getSnapshot()).toMatchObject(dead);
  });
});

describe('a long upload', () => {
  /** Lets `ms` go by, in which the buffer drains to each of `left` in turn. */
  async function upload(r: RigV1, ws: FakeWebSocket, ms: number, left: number[]) {
    for (const bytes of left) {
      await r.world.advance(ms);
      ws.bufferedAmount = bytes;
    }
  }
  const begin = async (heartbeat: number) => {
    const r = rigV1();
    const ws = await r.ready({ heartbeat });
    ws.bufferedAmount = 900_000;
    return { r, ws };
  };

  test('that drains is alive, though no answer comes', async () => {
    const { r, ws } = await begin(10_000);
    await upload(r, ws, 9999, [600_000, 300_000, 1]);
    expect(r.socket.getSnapshot().status).toBe('ready');
    ws.say({ type: 'pong' });
    await r.world.advance(9999);
    expect(r.socket.getSnapshot().status).toBe('ready');
  });

  test('that has stopped draining is not', async () => {
    const { r, ws } = await begin(10_000);
    await upload(r, ws, 9999, [600_000, 300_000]);
    await r.world.advance(10_003);
    expect(r.socket.getSnapshot()).toMatchObject(dead);
  });

  test('that never drained at all is not', async () => {
    const { r } = await begin(10_000);
    await r.world.advance(20_000);
    expect(r.socket.getSnapshot()).toMatchObject(dead);
  });

  test('that drains while check() asks is alive', async () => {
    const { r, ws } = await begin(25_000);
    r.socket.check();
    await upload(r, ws, 2999, [600_000]);
    await r.world.advance(1000);
    expect(r.socket.getSnapshot().status).toBe('ready');
  });

  test('that drains while check() asks is alive where there is no heartbeat, too', async () => {
    const { r, ws } = await begin(0);
    r.socket.check();
    await upload(r, ws, 2999, [600_000]);
    await r.world.advance(1000);
    expect(r.socket.getSnapshot().status).toBe('ready');
    await r.world.advance(60_000);
    expect(r.events).toContain('error heartbeat-timeout');
  });

  test('of what was sent after the question, taken by the machine and not by the server, proves nothing', async () => {
    const r = rigV1();
    const ws = await r.ready({ heartbeat: 10_000 });
    ws.send = (frame: string) => {
      ws.bufferedAmount += frame.length;
    };
    for (let second = 1; second <= 20; second += 1) {
      r.socket.send(`message ${second}`);
      ws.bufferedAmount = 0;
      await r.world.advance(1000);
    }
    expect(r.events).toContain('error heartbeat-timeout');
  });

  test('that goes on, refilled as it drains, is alive', async () => {
    const { r, ws } = await begin(10_000);
    ws.send = (frame: string) => {
      ws.bufferedAmount += frame.length;
    };
    await r.world.advance(10_000);
    for (let round = 1; round <= 3; round += 1) {
      ws.bufferedAmount -= 500_000;
      r.socket.send('x'.repeat(500_001));
      await r.world.advance(9999);
    }
    expect(r.socket.getSnapshot().status).toBe('ready');
    await r.world.advance(10_003);
    expect(r.events).toContain('error heartbeat-timeout');
  });
});

describe('looking at once', () => {
  const ways: [string, (r: RigV1) => void][] = [
    ['the page is seen', ({ world }) => world.show()],
    ['the page is thawed', ({ world }) => world.tell('resume')],
    ['the network is back', ({ world }) => world.goOnline()],
    ['the app says check()', ({ socket }) => socket.check()],
  ];

  test.each(ways)('when %s asks, and gives up within 3 s', async (_name, act) => {
    const r = rigV1();
    const ws = await r.ready({ heartbeat: 25_000 });
    await r.world.advance(5000);
    act(r);
    expect(pings(ws)).toBe(1);
    await r.world.advance(2999);
    expect(r.socket.getSnapshot().status).toBe('ready');
    await r.world.advance(1);
    expect(r.socket.getSnapshot()).toMatchObject(dead);
  });

  test.each(ways)('when %s goes on as before once it is answered', async (_name, act) => {
    const r = rigV1();
    const ws = await r.ready({ heartbeat: 25_000 });
    act(r);
    await r.world.advance(2000);
    ws.say({ type: 'pong' });
    await r.world.advance(24_999);
    expect([r.socket.getSnapshot().status, pings(ws)]).toEqual(['ready', 1]);
    await r.world.advance(1);
    expect(pings(ws)).toBe(2);
  });

  test.each(ways)('when %s needs no heartbeat', async (_name, act) => {
    const r = rigV1();
    const ws = await r.ready({ heartbeat: 0, expiresIn: undefined });
    act(r);
    expect(pings(ws)).toBe(1);
    ws.say({ type: 'pong' });
    expect(r.world.timers).toBe(0);
    act(r);
    await r.world.advance(3000);
    expect(r.socket.getSnapshot()).toMatchObject(dead);
  });

  test.each(ways.slice(1))('when %s asks in a hidden page too', async (_name, act) => {
    const r = rigV1();
    const ws = await r.ready();
    r.world.isVisible = false;
    act(r);
    expect(pings(ws)).toBe(1);
  });

  test('is for a page that is seen, not for one that is hidden', async () => {
    const r = rigV1();
    const ws = await r.ready();
    r.world.hide();
    expect(pings(ws)).toBe(0);
  });

  test('shortens the wait for an answer that is overdue already', async () => {
    const { socket, world, ready } = rigV1();
    await ready({ heartbeat: 25_000 });
    await world.advance(26_000);
    world.show();
    await world.advance(3000);
    expect(socket.getSnapshot()).toMatchObject(dead);
  });

  test('again and again puts no verdict off', async () => {
    const { socket, world, ready } = rigV1();
    await ready({ heartbeat: 25_000 });
    for (let second = 1; second <= 3; second += 1) {
      socket.check();
      await world.advance(1000);
    }
    expect(socket.getSnapshot()).toMatchObject(dead);
  });

  test('of a page that goes to the background asks nothing', async () => {
    const { world, ready } = rigV1();
    const ws = await ready();
    world.hide();
    expect(pings(ws)).toBe(0);
  });

  test('after a sleep forgives the late timer once', async () => {
    const { socket, world, ready } = rigV1();
    const ws = await ready({ heartbeat: 25_000, expiresIn: undefined });
    socket.check();
    world.sleep(60_000);
    await world.advance(0);
    expect(pings(ws)).toBe(2);
    await world.advance(3000);
    expect(socket.getSnapshot()).toMatchObject(dead);
  });

  test('asks nothing of a socket that is not ready', async () => {
    const { socket, become, dial, world } = rigV1();
    socket.check();
    await dial();
    socket.check();
    const ws = await become('authenticating');
    socket.check();
    world.show();
    await world.advance(3000);
    expect(pings(ws)).toBe(0);
    expect(socket.getSnapshot().status).toBe('authenticating');
    socket.close();
    expect(() => socket.check()).not.toThrow();
  });
});

test('the pings of the server are answered at once, before and after a probe', async () => {
  const { socket, ready } = rigV1({ heartbeat: false });
  const ws = await ready();
  ws.say({ type: 'ping' });
  socket.check();
  ws.say({ type: 'ping' });
  expect(ws.sent.slice(1)).toEqual(['{"type":"pong"}', '{"type":"pong"}']);
});

test('the ack of the original wire says nothing of a heartbeat, whatever else it holds', async () => {
  const { world, dial } = rig({
    isReady: (message: any) => message.ok === true,
    heartbeat: { ping: () => 'ping' },
  });
  const ws = await dial();
  ws.accept();
  await world.advance(0);
  ws.say({ ok: true, heartbeat: 1000 });
  await world.advance(60_000);
  expect(ws.sent).toHaveLength(1);
});

test.each([v1, 'original'])('a dead connection is lost only once, on %s', async (wire) => {
  const r = rigV1({
    protocols: wire === v1 ? v1 : undefined,
    heartbeat: { interval: 5000, ping: () => 'ping' },
  });
  const ws = await (wire === v1 ? r.ready() : r.become('ready'));
  await r.world.advance(10_000);
  ws.drop();
  ws.say({ type: 'pong' });
  expect(r.events.filter((event) => event.startsWith('error'))).toEqual([
    'error heartbeat-timeout',
  ]);
});
