import { describe, expect, test, vi } from 'vitest';
import { deferred, never, nothing, rig, settle, v1, v1Ack } from './testing/fakes.test.util.ts';
import { messages, payloads, pings, type RigV1, rigV1 } from './testing/v1.test.util.ts';
import type { Context } from './types.ts';

const renewFailed = { name: 'TwoStageError', stage: 'ready', code: 'renew-failed' };

/** The first payload is there, what follows is up to the test. */
const thenPayload = (next: (context: Context) => unknown) =>
  vi.fn((context: Context) => (context.reason === 'renew' ? next(context) : 'first'));

describe('a payload that the ack says will expire', () => {
  test.each([
    [3_600_000, 0, 3_570_000],
    [3_600_000, 0.999, 3_540_030],
    [100_000, 0, 70_000],
    [60_000, 0.999, 30_000],
    [10_000, 0, 5000],
  ])('in %d ms is renewed in place, by chance %d, after %d', async (expiresIn, chance, due) => {
    const { socket, world, ready, dialled, tokenCalls, payloadCalls, events } = rigV1({
      heartbeat: false,
    });
    world.chance = chance;
    const ws = await ready({ expiresIn });
    const told = events.length;
    await world.advance(due - 1);
    expect(payloads(ws)).toHaveLength(1);
    await world.advance(1);
    expect(payloads(ws)).toEqual([
      '{"type":"jwt","token":"jwt-1"}',
      '{"type":"jwt","token":"jwt-2"}',
    ]);
    ws.say({ ...v1Ack, expiresIn });
    await world.advance(due);
    expect(payloads(ws)).toHaveLength(3);
    expect([dialled.length, tokenCalls.length, payloadCalls.length]).toEqual([1, 1, 3]);
    expect(events).toHaveLength(told);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('is asked for with the reason renew, and a signal that aborts with the connection', async () => {
    const initPayload = thenPayload(() => 'second');
    const { socket, world, ready } = rigV1({ initPayload });
    const ws = await ready({ expiresIn: 60_000 });
    await world.advance(30_000);
    const [, [context]] = initPayload.mock.calls as unknown as [[Context], [Context]];
    expect(context).toMatchObject({ attempt: 1, reason: 'renew' });
    expect(context.signal.aborted).toBe(false);
    ws.drop();
    expect(context.signal.aborted).toBe(true);
    socket.close();
  });

  test('is renewed while messages flow, both ways, and none of it is one of them', async () => {
    const payload = deferred<unknown>();
    const { socket, world, ready, events } = rigV1({
      heartbeat: false,
      initPayload: thenPayload(() => payload.promise),
    });
    const ws = await ready({ expiresIn: 60_000 });
    await world.advance(30_000);
    expect(socket.send('while it is asked for')).toBe('sent');
    ws.say({ type: 'message', data: 1 });
    payload.resolve({ type: 'jwt', token: 'second' });
    await settle();
    expect(socket.send('while it is checked')).toBe('sent');
    ws.say({ type: 'message', data: 2 });
    ws.say({ ...v1Ack, expiresIn: 60_000 });
    expect(socket.send('after')).toBe('sent');
    expect(ws.sent.slice(1)).toEqual([
      '{"type":"message","data":"while it is asked for"}',
      '{"type":"jwt","token":"second"}',
      '{"type":"message","data":"while it is checked"}',
      '{"type":"message","data":"after"}',
    ]);
    expect(events.slice(-3)).toEqual(['ready', 'message 1', 'message 2']);
  });

  test.each<[unknown, string]>([
    ['a.b.c', 'a.b.c'],
    [{ type: 'jwt', token: 'second' }, '{"type":"jwt","token":"second"}'],
    [null, 'null'],
  ])('leaves as it is, whatever the codec of the app: %j', async (payload, frame) => {
    const codec = {
      encode: (message: unknown) => `<${message}>`,
      decode: (data: unknown) => [data],
    };
    const { socket, ready } = rigV1({ initPayload: thenPayload(() => payload), codec });
    const ws = await ready();
    socket.renew();
    await settle();
    expect(ws.sent.at(-1)).toBe(frame);
  });

  test('that is a value, and not a function, is sent again', async () => {
    const { world, ready } = rigV1({ initPayload: { type: 'jwt', token: 'fixed' } });
    const ws = await ready({ expiresIn: 60_000 });
    await world.advance(30_000);
    expect(payloads(ws)).toEqual(Array(2).fill('{"type":"jwt","token":"fixed"}'));
  });

  test('is renewed by the newest function that was put in place', async () => {
    const { socket, world, ready } = rigV1();
    const ws = await ready({ expiresIn: 60_000 });
    socket.configure({ initPayload: () => ({ type: 'jwt', token: 'newest' }) });
    await world.advance(30_000);
    expect(payloads(ws).at(-1)).toBe('{"type":"jwt","token":"newest"}');
  });

  test('is not renewed on the original wire, whatever its ack holds', async () => {
    const { world, dial, payloadCalls } = rig({ isReady: (message: any) => message.expiresIn > 0 });
    const ws = await dial();
    ws.accept();
    await settle();
    ws.say({ expiresIn: 60_000 });
    await world.advance(3_600_000);
    expect([payloadCalls.length, world.timers]).toEqual([1, 0]);
  });
});

describe('a life that is absurd never makes a loop', () => {
  const lives = [0, 1, -1, -1e300, 1e300, 999, null, '60000', '', true, {}, [1]];
  test.each(lives)('%j, from a server that answers each renewal with it', async (expiresIn) => {
    const { socket, world, ready, payloadCalls } = rigV1({ heartbeat: false });
    const ws = await ready({ expiresIn });
    for (let second = 1; second <= 60; second += 1) {
      await world.advance(1000);
      if (payloads(ws).length > 1) ws.say({ ...v1Ack, expiresIn });
    }
    expect(payloadCalls.length).toBeLessThanOrEqual(61);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test.each(['1e999', '-1e999'])('%s, which JSON has no number for', async (text) => {
    const { socket, world, become, payloadCalls } = rigV1({ heartbeat: false });
    const ws = await become('authenticating');
    const ack = `{"type":"ready","expiresIn":${text}}`;
    ws.say(ack);
    for (let second = 1; second <= 60; second += 1) {
      await world.advance(1000);
      ws.say(ack);
    }
    expect(payloadCalls.length).toBeLessThanOrEqual(61);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('NaN, from a codec that makes one of it, asks no timer for it', async () => {
    const after = vi.fn();
    const { socket, world, dial } = rig({
      heartbeat: false,
      codec: {
        encode: (message: unknown) => JSON.stringify(message),
        decode: (frame: string) => [{ type: frame, expiresIn: Number.NaN }],
      },
    });
    after.mockImplementation(world.after);
    socket.configure({ environment: { ...world, now: world.now, after, page: world.page } });
    const ws = await dial();
    ws.accept();
    await settle();
    ws.say('ready');
    expect(socket.getSnapshot()).toMatchObject({ status: 'ready', wire: v1 });
    // `setTimeout` calls back at once for NaN.
    for (const [ms] of after.mock.calls) expect(ms).toBeGreaterThanOrEqual(1000);
  });
});

describe('renew()', () => {
  test('sends a new payload now, and resolves at the ack', async () => {
    const { socket, ready } = rigV1();
    const ws = await ready();
    const renewed = socket.renew();
    const done = vi.fn();
    renewed.then(done);
    await settle();
    expect(payloads(ws)).toHaveLength(2);
    ws.say({ type: 'message', data: 'hello' });
    ws.say({ type: 'pong' });
    await settle();
    expect(done).not.toHaveBeenCalled();
    ws.say(v1Ack);
    expect(await renewed).toBeUndefined();
  });

  test('is shared while one is under way, the own one of the client too', async () => {
    const { socket, world, ready, payloadCalls } = rigV1();
    const ws = await ready({ expiresIn: 60_000 });
    await world.advance(30_000);
    const both = [socket.renew(), socket.renew()];
    await settle();
    expect(payloadCalls).toHaveLength(2);
    ws.say({ ...v1Ack, expiresIn: 60_000 });
    await Promise.all(both);
    expect(payloads(ws)).toHaveLength(2);
  });

  test('called by initPayload itself is the one that is under way', async () => {
    const inner: Promise<void>[] = [];
    const initPayload = thenPayload(() => {
      inner.push(socket.renew());
      return 'second';
    });
    const { socket, ready } = rigV1({ initPayload });
    const ws = await ready();
    const outer = socket.renew();
    await settle();
    expect(initPayload).toHaveBeenCalledTimes(2);
    ws.say(v1Ack);
    await Promise.all([outer, ...inner]);
    expect(ws.sent.at(-1)).toBe('second');
  });

  test('is not done by an ack that comes before the payload has left', async () => {
    const payload = deferred<unknown>();
    const { socket, ready } = rigV1({ initPayload: thenPayload(() => payload.promise) });
    const ws = await ready();
    const done = vi.fn();
    const renewed = socket.renew().then(done);
    await settle();
    ws.say(v1Ack);
    await settle();
    expect(done).not.toHaveBeenCalled();
    payload.resolve('second');
    await settle();
    expect(ws.sent.at(-1)).toBe('second');
    ws.say(v1Ack);
    await renewed;
  });

  test('puts off what the client would have renewed by itself', async () => {
    const { socket, world, ready } = rigV1({ heartbeat: false });
    const ws = await ready({ expiresIn: 60_000 });
    await world.advance(20_000);
    socket.renew();
    await settle();
    ws.say({ ...v1Ack, expiresIn: 60_000 });
    await world.advance(29_999);
    expect(payloads(ws)).toHaveLength(2);
    await world.advance(1);
    expect(payloads(ws)).toHaveLength(3);
  });

  test('after one that is done is another', async () => {
    const { socket, ready } = rigV1();
    const ws = await ready();
    for (let renewal = 1; renewal <= 3; renewal += 1) {
      const renewed = socket.renew();
      await settle();
      ws.say(v1Ack);
      await renewed;
    }
    expect(payloads(ws)).toHaveLength(4);
  });

  const unready: [string, (r: RigV1) => unknown][] = [
    ['idle', () => {}],
    ['fetching-token', ({ socket }) => socket.connect()],
    ['connecting', ({ dial }) => dial()],
    ['authenticating', ({ become }) => become('authenticating')],
    ['waiting', async ({ dial }) => (await dial()).drop()],
    ['closed', ({ socket }) => socket.close()],
  ];
  test.each(unready)('rejects in state %s, and does nothing', async (status, enter) => {
    const r = rigV1();
    await enter(r);
    expect(r.socket.getSnapshot().status).toBe(status);
    const [told, asked] = [r.events.length, r.payloadCalls.length];
    const renewed = r.socket.renew();
    expect(r.events).toHaveLength(told);
    await expect(renewed).rejects.toMatchObject({ ...renewFailed, retryable: false });
    expect(r.payloadCalls).toHaveLength(asked);
  });

  test('rejects on the original wire, and without an init stage', async () => {
    for (const options of [
      {},
      { initPayload: undefined },
      { initPayload: undefined, protocols: v1 },
    ]) {
      const { socket, dial, become, payloadCalls } = rig(options);
      if ('protocols' in options) (await dial()).accept(v1);
      else await become('ready');
      expect(socket.getSnapshot().status).toBe('ready');
      const asked = payloadCalls.length;
      await expect(socket.renew()).rejects.toMatchObject({ ...renewFailed, retryable: false });
      expect(payloadCalls).toHaveLength(asked);
    }
  });

  test('that nobody listens to is no unhandled rejection', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const { socket, ready } = rigV1({
      initPayload: thenPayload(() => Promise.reject(new Error())),
    });
    // Not ready yet, ready, and closed.
    socket.renew();
    await ready();
    socket.renew();
    await settle();
    socket.close();
    socket.renew();
    // Node tells of it once the microtasks are through.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe('an app that has no new payload', () => {
  const boom = new Error('boom');
  const ways: [string, () => unknown, unknown][] = [
    [
      'throws',
      () => {
        throw boom;
      },
      boom,
    ],
    ['rejects', () => Promise.reject(boom), boom],
    ['gives undefined', () => undefined, expect.any(TypeError)],
    ['gives what has no JSON', () => Symbol('no JSON'), expect.any(TypeError)],
  ];
  test.each(ways)(
    'since it %s, is asked again each 5 s until that ends',
    async (_name, next, cause) => {
      const initPayload = thenPayload(next);
      const { socket, world, ready, events } = rigV1({ initPayload, heartbeat: false });
      const errors: unknown[] = [];
      socket.on('error', (error) => errors.push(error));
      const ws = await ready({ expiresIn: 60_000 });
      await world.advance(30_000);
      expect(errors).toEqual([expect.objectContaining({ ...renewFailed, cause, retryable: true })]);
      await world.advance(4999);
      expect(initPayload).toHaveBeenCalledTimes(2);
      await world.advance(1);
      expect(initPayload).toHaveBeenCalledTimes(3);
      await world.advance(25_000);
      expect(initPayload).toHaveBeenCalledTimes(7);
      expect(ws.sent).toEqual(['first']);
      expect(socket.getSnapshot().status).toBe('ready');
      expect(socket.send('still here')).toBe('sent');
      ws.drop(4401);
      expect(socket.getSnapshot()).toMatchObject({
        status: 'waiting',
        failure: { stage: 'ready', code: 'unauthorized', closeCode: 4401 },
      });
      expect(events.filter((event) => event === 'error renew-failed')).toHaveLength(6);
    },
  );

  test.each(['close', 'reconnect'] as const)('may be answered by %s(), which wins', async (end) => {
    const r = rigV1({ initPayload: thenPayload(() => Promise.reject(boom)), heartbeat: false });
    const { socket, world, ready, leaks } = r;
    await ready({ expiresIn: 60_000 });
    const off = socket.on('error', () => {
      off();
      socket[end]();
    });
    await world.advance(30_000);
    const { status } = socket.getSnapshot();
    expect(status).toBe(end === 'close' ? 'closed' : 'connecting');
    socket.close();
    expect(leaks()).toEqual(nothing);
  });

  test.each(ways)('since it %s, makes renew() reject', async (_name, next, cause) => {
    const { socket, ready } = rigV1({ initPayload: thenPayload(next) });
    await ready();
    await expect(socket.renew()).rejects.toMatchObject({ ...renewFailed, cause });
  });

  test('since it hangs, is given up after the timeout of the init stage, and asked again', async () => {
    const initPayload = thenPayload(() => never());
    const { socket, world, ready, events } = rigV1({
      initPayload,
      heartbeat: false,
      timeouts: { init: 4000 },
    });
    await ready();
    const renewed = socket.renew();
    await world.advance(3999);
    expect(events.at(-1)).toBe('ready');
    await world.advance(1);
    await expect(renewed).rejects.toMatchObject(renewFailed);
    expect(events.at(-1)).toBe('error renew-failed');
    await world.advance(5000);
    expect(initPayload).toHaveBeenCalledTimes(3);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('has one again: then the connection goes on as if nothing had been', async () => {
    const answers = [Promise.reject(boom), 'second'];
    const { socket, world, ready } = rigV1({
      initPayload: thenPayload(() => answers.shift()),
      heartbeat: false,
    });
    const ws = await ready({ expiresIn: 60_000 });
    await world.advance(35_000);
    expect(ws.sent.at(-1)).toBe('second');
    ws.say({ ...v1Ack, expiresIn: 60_000 });
    await world.advance(29_999);
    expect(ws.sent).toHaveLength(2);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('is asked once at a time, also where a listener to the error asks', async () => {
    const initPayload = thenPayload(() => Promise.reject(boom));
    const { socket, world, ready } = rigV1({ initPayload, heartbeat: false });
    let left = 3;
    socket.on('error', () => {
      left -= 1;
      if (left >= 0) socket.renew();
    });
    await ready();
    socket.renew();
    await world.advance(0);
    await settle();
    expect(initPayload).toHaveBeenCalledTimes(5);
    await world.advance(4999);
    expect(initPayload).toHaveBeenCalledTimes(5);
    await world.advance(1);
    expect(initPayload).toHaveBeenCalledTimes(6);
  });

  test('tells the reason in no error of ours', async () => {
    const { socket, ready } = rigV1();
    const errors: Error[] = [];
    socket.on('error', (error) => errors.push(error));
    const ws = await ready();
    ws.send = () => {
      throw new Error('broken');
    };
    await socket.renew().catch((error) => errors.push(error));
    expect(errors).toHaveLength(2);
    for (const error of errors) {
      expect(JSON.stringify([error, error.message, error.stack])).not.toMatch(/jwt-\d|token-\d/);
    }
  });
});

describe('a server that does not take a renewal', () => {
  test('and says nothing, is left after the timeout of the init stage', async () => {
    const { socket, world, ready, events, tokenCalls, payloadCalls } = rigV1({ heartbeat: false });
    const ws = await ready({ expiresIn: 60_000 });
    await world.advance(30_000);
    const renewed = socket.renew();
    await world.advance(9999);
    expect(socket.getSnapshot().status).toBe('ready');
    await world.advance(1);
    await expect(renewed).rejects.toMatchObject({ stage: 'ready', code: 'renew-timeout' });
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { stage: 'ready', code: 'renew-timeout', retryable: true },
    });
    expect(events.slice(-2)).toEqual(['state waiting', 'error renew-timeout']);
    expect(ws.live).toBe(false);
    await ready();
    expect(tokenCalls.at(-1)).toMatchObject({ reason: 'renew-timeout' });
    expect(payloadCalls.at(-1)).toMatchObject({ reason: 'renew-timeout' });
    expect([tokenCalls.length, payloadCalls.length]).toEqual([2, 3]);
  });

  test('and says nothing, is tried again with a fresh token also where that may be reused', async () => {
    const { socket, world, ready, last } = rigV1({ heartbeat: false, tokenRetry: 'reuse' });
    await ready();
    socket.renew();
    await world.advance(10_000);
    await ready();
    expect(last().token).toBe('token-2');
  });

  test.each([true, false])('and says 4401, is asked once more (stable: %j)', async (isStable) => {
    const { socket, world, ready, become, tokenCalls, payloadCalls } = rigV1({
      heartbeat: false,
      tokenRetry: 'reuse',
    });
    const ws = await ready();
    await world.advance(isStable ? 10_000 : 9999);
    const renewed = socket.renew();
    await settle();
    ws.drop(4401);
    await expect(renewed).rejects.toMatchObject({ code: 'unauthorized', closeCode: 4401 });
    (await become('authenticating')).drop(4401);
    expect([tokenCalls.length, payloadCalls.length]).toEqual([2, 3]);
    expect(tokenCalls.at(-1)).toMatchObject({ reason: 'unauthorized' });
    expect(socket.getSnapshot()).toMatchObject({
      status: 'closed',
      failure: { code: 'unauthorized', retryable: false },
    });
  });

  test('and says 4403, is not asked again', async () => {
    const { socket, ready, leaks } = rigV1();
    const ws = await ready();
    const renewed = socket.renew();
    await settle();
    ws.drop(4403);
    await expect(renewed).rejects.toMatchObject({ code: 'forbidden' });
    expect(socket.getSnapshot()).toMatchObject({
      status: 'closed',
      failure: { code: 'forbidden' },
    });
    expect(leaks()).toEqual(nothing);
  });

  test('and is lost meanwhile, rejects renew() with what became of the connection', async () => {
    const { socket, ready } = rigV1();
    const ws = await ready();
    const renewed = socket.renew();
    await settle();
    ws.drop(1006);
    await expect(renewed).rejects.toMatchObject({ code: 'connection-lost', closeCode: 1006 });
  });

  test('is not asked any more by the connection that is gone', async () => {
    const { world, ready, payloadCalls } = rigV1({ heartbeat: false });
    const first = await ready({ expiresIn: 60_000 });
    await world.advance(29_000);
    first.drop();
    await ready({ expiresIn: undefined });
    await world.advance(3_600_000);
    expect(payloadCalls.map(({ reason }) => reason)).toEqual(['start', 'connection-lost']);
  });
});

describe('in the middle of a renewal', () => {
  const moments = ['while the payload is asked for', 'while the server checks it'] as const;
  const ends: [string, (r: RigV1) => void][] = [
    ['close()', ({ socket }) => socket.close()],
    ['reconnect()', ({ socket }) => socket.reconnect()],
    ['pagehide', ({ world }) => world.tell('pagehide')],
  ];
  const cases = ends.flatMap(([name, end]) =>
    moments.map((moment) => [name, moment, end] as const),
  );

  test.each(cases)('%s, %s, settles renew() and sends nothing more', async (name, moment, end) => {
    const payload = deferred<unknown>();
    const r = rigV1({ initPayload: thenPayload(() => payload.promise) });
    const { socket, world, ready, leaks, events } = r;
    const ws = await ready();
    const renewed = socket.renew();
    await settle();
    if (moment === moments[1]) {
      payload.resolve('second');
      await settle();
    }
    const [left, told] = [ws.sent.length, events.length];
    end(r);
    await expect(renewed).rejects.toMatchObject({ name: 'TwoStageError', stage: 'ready' });
    payload.resolve('second');
    ws.say(v1Ack);
    await settle();
    expect([ws.sent.length, leaks().late]).toEqual([left, 0]);
    expect(events.slice(told).filter((event) => event.startsWith('error'))).toEqual([]);
    if (name !== 'close()') return;
    await world.advance(60_000);
    expect(leaks()).toEqual(nothing);
  });

  test.each(ends)('%s, in the tick of renew(), has no payload asked for', async (_name, end) => {
    const initPayload = thenPayload(() => 'second');
    const r = rigV1({ initPayload });
    await r.ready();
    const renewed = r.socket.renew();
    end(r);
    await expect(renewed).rejects.toMatchObject({ name: 'TwoStageError' });
    await settle();
    expect(initPayload.mock.calls.map(([{ reason }]) => reason)).not.toContain('renew');
  });

  test('renew() by retry.decide, when the connection is gone, is too late', async () => {
    const renewals: Promise<void>[] = [];
    const { socket, ready, payloadCalls, leaks } = rigV1({
      retry: {
        decide: () => {
          renewals.push(socket.renew());
        },
      },
    });
    (await ready()).drop();
    await expect(renewals[0]).rejects.toMatchObject(renewFailed);
    await settle();
    expect(payloadCalls).toHaveLength(1);
    socket.close();
    expect(leaks()).toEqual(nothing);
  });

  test('close() and connect(): the next user is asked for a payload of their own', async () => {
    const ada = deferred<unknown>();
    const initPayload = vi.fn().mockReturnValueOnce('first').mockReturnValueOnce(ada.promise);
    const { socket, ready } = rigV1({ initPayload });
    const first = await ready();
    const renewed = socket.renew();
    await settle();
    socket.close();
    initPayload.mockReturnValue('of bob');
    ada.resolve('of ada');
    const second = await ready();
    await expect(renewed).rejects.toMatchObject({ code: 'closed' });
    expect([first.sent, second.sent]).toEqual([['first'], ['of bob']]);
  });

  test('the heartbeat goes on', async () => {
    const { socket, world, ready } = rigV1();
    const ws = await ready({ heartbeat: 5000 });
    await world.advance(4000);
    socket.renew();
    await world.advance(1000);
    expect(pings(ws)).toBe(1);
    ws.say({ type: 'pong' });
    ws.say(v1Ack);
    await world.advance(5000);
    expect(pings(ws)).toBe(2);
  });

  test('a full buffer keeps messages waiting, and not the payload', async () => {
    const { socket, ready } = rigV1();
    const ws = await ready();
    ws.bufferedAmount = 1e9;
    expect(socket.send('waits')).toBe('queued');
    socket.renew();
    await settle();
    expect(payloads(ws)).toHaveLength(2);
    expect(messages(ws)).toEqual([]);
  });
});
