import { describe, expect, test, vi } from 'vitest';
import { never, nothing, settle, v1, v1Ack, waitLeft } from './testing/fakes.test.util.ts';
import { messages, pings, type RigV1, rigV1 } from './testing/v1.test.util.ts';

const goingAway = { type: 'going-away', retryAfter: 1250, deadline: 5000 };

/** Ready, and the second connection as far as `stage`; `first` is still there. */
async function handover(
  stage: 'token' | 'connect' | 'init',
  options: Parameters<typeof rigV1>[0] = {},
) {
  let isFirst = true;
  const getToken = vi.fn((_: { readonly reason: string; readonly signal: AbortSignal }) => {
    if (stage === 'token' && !isFirst) return never<string>();
    isFirst = false;
    return `token-${getToken.mock.calls.length}`;
  });
  const r = rigV1({ getToken, heartbeat: false, ...options });
  const first = await r.ready({ expiresIn: undefined });
  first.say({ ...goingAway, retryAfter: 0 });
  await r.world.advance(1000);
  if (stage === 'init') {
    r.last().accept(v1);
    await settle();
  }
  return { ...r, first, getToken };
}
const stages = ['token', 'connect', 'init'] as const;
const statusOf = { token: 'fetching-token', connect: 'connecting', init: 'authenticating' };

const live = ({ dialled }: RigV1) => dialled.filter((ws) => ws.live);

describe('going-away', () => {
  test.each([
    [0, 1250],
    [0.5, 1750],
    [0.999, 2249],
  ])('by chance %d opens a second connection after %d ms', async (chance, due) => {
    const { socket, world, ready, dialled, tokenCalls, payloadCalls } = rigV1();
    world.chance = chance;
    const first = await ready();
    first.say(goingAway);
    await world.advance(due - 1);
    expect(dialled).toHaveLength(1);
    await world.advance(1);
    expect(dialled).toHaveLength(2);
    expect(tokenCalls.at(-1)).toMatchObject({ reason: 'handover', attempt: 1 });
    expect(payloadCalls.at(-1)).toMatchObject({ reason: 'handover', attempt: 1 });
    expect(socket.getSnapshot().status).toBe('ready');
    expect(first.live).toBe(true);
  });

  test.each<[unknown, number]>([
    [undefined, 500],
    [null, 500],
    ['soon', 500],
    [{}, 500],
    [-1e9, 500],
    ['1250', 1750],
    [true, 501],
  ])('that says %j for when is obeyed all the same', async (retryAfter, within) => {
    const { world, ready, dialled, socket } = rigV1();
    (await ready()).say({ type: 'going-away', retryAfter });
    await world.advance(within);
    expect(dialled).toHaveLength(2);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('that says a time beyond all bounds is as good as none', async () => {
    const { socket, world, ready, dialled, leaks } = rigV1({ heartbeat: false });
    const ws = await ready({ expiresIn: undefined });
    ws.say('{"type":"going-away","retryAfter":1e999}');
    await world.advance(3_600_000);
    expect(dialled).toHaveLength(1);
    socket.close();
    expect(leaks()).toEqual(nothing);
  });

  test('again, before its time has come, counts from then', async () => {
    const { world, ready, dialled } = rigV1();
    const ws = await ready();
    ws.say(goingAway);
    await world.advance(1000);
    ws.say({ ...goingAway, retryAfter: 2000 });
    await world.advance(2499);
    expect(dialled).toHaveLength(1);
    await world.advance(1);
    expect(dialled).toHaveLength(2);
    await world.advance(5000);
    expect(dialled).toHaveLength(2);
  });

  test('again, while the second connection is under way, is not a third', async () => {
    for (const stage of stages) {
      const { world, first, dialled, ready } = await handover(stage);
      const before = dialled.length;
      first.say(goingAway);
      first.say(goingAway);
      await world.advance(5000);
      expect(dialled).toHaveLength(before);
      if (stage !== 'token') await ready();
      await world.advance(60_000);
      expect(dialled).toHaveLength(before);
    }
  });

  test('of the second connection leads to a third', async () => {
    const r = await handover('init');
    const second = await r.ready({ expiresIn: undefined });
    await r.world.advance(60_000);
    second.say(goingAway);
    await r.world.advance(2000);
    const third = await r.ready({ expiresIn: undefined });
    expect(live(r)).toEqual([third]);
    expect(r.dialled).toHaveLength(3);
  });

  test('is none of the application’s messages, and on the original wire nothing else', async () => {
    const r = rigV1();
    const told = r.events.length;
    (await r.ready()).say(goingAway);
    expect(r.events.slice(told).filter((event) => event.startsWith('message'))).toEqual([]);
    const original = rigV1({ protocols: undefined });
    (await original.become('ready')).say(goingAway);
    await original.world.advance(60_000);
    expect(original.events.at(-1)).toBe(`message ${JSON.stringify(goingAway)}`);
    expect(original.dialled).toHaveLength(1);
  });

  test('from a connection that is lost before its time makes one connection, not two', async () => {
    const r = rigV1();
    const { world, ready, dialled, tokenCalls } = r;
    const first = await ready();
    first.say(goingAway);
    first.drop(1012, 'retry-after=0');
    await world.advance(10_000);
    await ready();
    await world.advance(10_000);
    expect([dialled.length, tokenCalls.length]).toEqual([2, 2]);
    expect(live(r)).toHaveLength(1);
  });
});

describe('while the second connection is made ready', () => {
  test('the state stays ready, the same snapshot, and nothing is told', async () => {
    const { socket, world, ready, become, events } = rigV1({ heartbeat: false });
    const first = await ready();
    const [before, told] = [socket.getSnapshot(), events.length];
    first.say(goingAway);
    await world.advance(2000);
    const second = await become('authenticating');
    expect(socket.getSnapshot()).toBe(before);
    expect(events).toHaveLength(told);
    second.say(v1Ack);
    expect(events.slice(told)).toEqual(['state ready', 'ready']);
    expect(socket.getSnapshot()).toEqual({ status: 'ready', attempt: 1, wire: v1 });
  });

  test('messages are sent and heard through the first, which is closed only then', async () => {
    const { socket, world, first, last, events } = await handover('init');
    const second = last();
    expect(socket.send('before')).toBe('sent');
    first.say({ type: 'message', data: 'from the first' });
    expect([first.live, messages(first), messages(second)]).toEqual([true, ['before'], []]);
    expect(events.at(-1)).toBe('message "from the first"');
    second.say(v1Ack);
    expect([first.closedWith?.code, first.attached]).toEqual([1000, false]);
    expect(socket.send('after')).toBe('sent');
    expect([messages(first), messages(second)]).toEqual([['before'], ['after']]);
    first.say({ type: 'message', data: 'too late' });
    first.drop();
    await world.advance(60_000);
    expect(events.slice(-2)).toEqual(['state ready', 'ready']);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('renew() renews the first, and check() asks it', async () => {
    const { socket, first, last } = await handover('init', { heartbeat: {} });
    const before = first.sent.length;
    const renewed = socket.renew();
    await settle();
    socket.check();
    expect(first.sent.slice(before)).toEqual([expect.stringContaining('"jwt"'), '{"type":"ping"}']);
    first.say(v1Ack);
    await renewed;
    expect(pings(last())).toBe(0);
  });

  test('what is queued behind a full buffer leaves by the second, in order', async () => {
    const { socket, first, last } = await handover('init');
    socket.send(1);
    first.bufferedAmount = 1e9;
    expect([socket.send(2), socket.send(3)]).toEqual(['queued', 'queued']);
    last().say(v1Ack);
    socket.send(4);
    expect([messages(first), messages(last())]).toEqual([[1], [2, 3, 4]]);
  });

  test('the ack of the second is what ready tells', async () => {
    const { socket, last } = await handover('init');
    const onReady = vi.fn();
    socket.on('ready', onReady);
    const ack = { ...v1Ack, user: 'bob' };
    last().say(ack);
    expect(onReady.mock.calls).toEqual([[{ ack, wire: v1 }]]);
    expect(await socket.ready()).toEqual(ack);
  });

  test('a page that goes offline or out of sight changes nothing', async () => {
    const r = await handover('connect');
    r.world.goOffline();
    r.world.hide();
    const second = await r.ready({ expiresIn: undefined });
    expect(live(r)).toEqual([second]);
  });
});

describe('the first is lost before the second is ready', () => {
  test.each(stages)(
    'in stage %s: the state shows that stage, and no other token is minted',
    async (stage) => {
      const r = await handover(stage);
      const { socket, world, first, getToken, events, dialled } = r;
      const [asked, told] = [getToken.mock.calls.length, events.length];
      first.drop(1012, 'retry-after=7300');
      expect(socket.getSnapshot()).toMatchObject({
        status: statusOf[stage],
        attempt: 1,
        failure: { stage: 'ready', code: 'server-busy', closeCode: 1012 },
      });
      expect(events.slice(told)).toEqual([`state ${statusOf[stage]}`, 'error server-busy']);
      expect(socket.send('meanwhile')).toBe('queued');
      expect(getToken).toHaveBeenCalledTimes(asked);
      if (stage === 'token') return socket.close();
      const second = await r.ready({ expiresIn: undefined });
      expect(messages(second)).toEqual(['meanwhile']);
      await world.advance(60_000);
      expect([getToken.mock.calls.length, dialled.length]).toEqual([asked, 2]);
      expect(socket.getSnapshot().status).toBe('ready');
    },
  );

  test('goes through the rest of the stages in the state, as any attempt', async () => {
    const { socket, first, become, ready, events } = await handover('connect');
    const told = events.length;
    first.drop();
    await become('authenticating');
    expect(socket.getSnapshot()).toMatchObject({ status: 'authenticating' });
    await ready();
    expect(events.slice(told)).toEqual([
      'state connecting',
      'error connection-lost',
      'state authenticating',
      'state ready',
      'ready',
    ]);
  });

  test('and then the second too: one loss as any other, and one retry', async () => {
    const r = await handover('connect');
    const { socket, world, first, last, dialled } = r;
    first.drop();
    last().drop();
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { stage: 'connect', code: 'connect-failed' },
    });
    await world.advance(waitLeft(socket, world));
    expect(dialled).toHaveLength(3);
    expect(live(r)).toHaveLength(1);
  });

  test('with a code that is final, both are over', async () => {
    for (const stage of stages) {
      const { socket, first, leaks, events } = await handover(stage);
      first.drop(4403);
      expect(socket.getSnapshot()).toMatchObject({
        status: 'closed',
        failure: { code: 'forbidden' },
      });
      expect(events.slice(-3)).toEqual(['state closed', 'error forbidden', 'close forbidden']);
      expect(leaks()).toEqual(nothing);
    }
  });

  test('because its payload expired: the second has a newer one, and goes on', async () => {
    const { socket, first, ready, getToken } = await handover('connect');
    first.drop(4401);
    await ready();
    expect(socket.getSnapshot().status).toBe('ready');
    expect(getToken).toHaveBeenCalledTimes(2);
  });

  test('because its payload is refused, and the second’s as well: fresh ones are tried once', async () => {
    const { socket, first, last, leaks } = await handover('init');
    first.drop(4401);
    last().drop(4401);
    expect(socket.getSnapshot()).toMatchObject({
      status: 'closed',
      failure: { code: 'unauthorized' },
    });
    expect(leaks()).toEqual(nothing);
  });

  test('what was queued goes on waiting, through both', async () => {
    const r = await handover('connect');
    const { socket, first } = r;
    first.bufferedAmount = 1e9;
    socket.send('a');
    first.drop();
    socket.send('b');
    const timers = r.world.timers;
    const second = await r.ready({ expiresIn: undefined });
    expect(messages(second)).toEqual(['a', 'b']);
    expect(timers).toBeLessThanOrEqual(2);
  });

  test('ready() asked for then waits for the second', async () => {
    const { socket, first, ready } = await handover('connect');
    first.drop();
    const done = vi.fn();
    socket.ready().then(done);
    await settle();
    expect(done).not.toHaveBeenCalled();
    await ready();
    await settle();
    expect(done).toHaveBeenCalledWith(v1Ack);
  });
});

describe('the second fails', () => {
  const ends: [string, 'connect' | 'init', number, string][] = [
    ['before it is open', 'connect', 1006, 'connect-failed'],
    ['unexplained, after its payload', 'init', 1006, 'init-dropped'],
    ['because its payload is refused', 'init', 4401, 'unauthorized'],
    ['because it is forbidden', 'init', 4403, 'forbidden'],
    ['because the server is busy', 'init', 1013, 'server-busy'],
  ];
  test.each(ends)('%s: an error, and the first goes on', async (_name, stage, code, failure) => {
    const { socket, world, first, last, events, dialled } = await handover(stage);
    const [before, told] = [socket.getSnapshot(), events.length];
    last().drop(code);
    expect(events.slice(told)).toEqual([`error ${failure}`]);
    expect(socket.getSnapshot()).toBe(before);
    await world.advance(60_000);
    expect([dialled.length, first.live]).toEqual([2, true]);
    expect(socket.send('still')).toBe('sent');
    expect(messages(first)).toEqual(['still']);
  });

  test('with a code that is final: the error says so', async () => {
    const { socket, last } = await handover('init');
    const onError = vi.fn();
    socket.on('error', onError);
    last().drop(4403);
    expect(onError.mock.calls).toEqual([
      [expect.objectContaining({ code: 'forbidden', retryable: false })],
    ]);
  });

  test('at the token: an error, and the first goes on', async () => {
    const { socket, world, first, events } = await handover('token');
    await world.advance(10_000);
    expect(events.at(-1)).toBe('error token-timeout');
    expect(socket.getSnapshot().status).toBe('ready');
    expect(first.live).toBe(true);
  });

  test('and the first is closed later: a loss as any other, with credentials of its own', async () => {
    const { socket, first, last, getToken, ready } = await handover('init');
    last().drop(4401);
    first.drop(1012, 'retry-after=2000');
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { retryAfter: 2000 },
    });
    await ready();
    expect(getToken.mock.calls.map(([{ reason }]) => reason)).toEqual([
      'start',
      'handover',
      'server-busy',
    ]);
  });

  test('and going-away comes again: there is another try', async () => {
    const r = await handover('init');
    r.last().drop();
    r.first.say(goingAway);
    await r.world.advance(2000);
    const third = await r.ready({ expiresIn: undefined });
    expect(r.dialled).toHaveLength(3);
    expect(live(r)).toEqual([third]);
  });

  test('the next attempt is shown in a later handover by its own stage, not that of the one before', async () => {
    const r = await handover('init');
    r.last().drop();
    r.first.say({ ...goingAway, retryAfter: 0 });
    await r.world.advance(1000);
    r.first.drop();
    expect(r.socket.getSnapshot().status).toBe('connecting');
  });
});

describe('ends in the middle of a handover', () => {
  const moments = ['announced', ...stages] as const;
  const enter = async (moment: (typeof moments)[number]) => {
    if (moment !== 'announced') return handover(moment);
    const r = rigV1({ heartbeat: false });
    const first = await r.ready({ expiresIn: undefined });
    first.say(goingAway);
    return { ...r, first };
  };

  test.each(moments)('close(), %s: both are over, with nothing left', async (moment) => {
    const { socket, world, dialled, leaks, events } = await enter(moment);
    socket.close(4000, 'bye');
    expect(leaks()).toEqual(nothing);
    expect(dialled.map(({ closedWith }) => closedWith)).toEqual(
      dialled.map(() => ({ code: 4000, reason: 'bye' })),
    );
    expect(events.slice(-2)).toEqual(['state closed', 'close']);
    const asked = dialled.length;
    for (const ws of dialled) {
      ws.accept(v1);
      ws.say(v1Ack);
      ws.drop();
    }
    await world.advance(60_000);
    expect(dialled).toHaveLength(asked);
    expect(leaks()).toEqual(nothing);
    expect(events.slice(-2)).toEqual(['state closed', 'close']);
  });

  test.each(moments)(
    'close() and connect(), %s: the next user has one of their own',
    async (moment) => {
      const r = await enter(moment);
      r.first.bufferedAmount = 1e9;
      r.socket.send('of ada');
      r.socket.close();
      if (moment === 'token') r.socket.configure({ getToken: () => 'of bob' });
      const before = r.dialled.length;
      const third = await r.ready({ expiresIn: undefined });
      await r.world.advance(60_000);
      expect(live(r)).toEqual([third]);
      expect(r.dialled).toHaveLength(before + 1);
      expect(messages(third)).toEqual([]);
    },
  );

  test.each(moments)('reconnect(), %s: starts over with one', async (moment) => {
    const r = await enter(moment);
    if (moment === 'token') r.socket.configure({ getToken: () => 'another' });
    r.socket.reconnect();
    const third = await r.ready({ expiresIn: undefined });
    await r.world.advance(60_000);
    expect(live(r)).toEqual([third]);
    expect(r.socket.getSnapshot().status).toBe('ready');
  });

  test.each(moments)('pagehide, %s: lets go of both, pageshow makes one', async (moment) => {
    const r = await enter(moment);
    if (moment === 'token') r.socket.configure({ getToken: () => 'another' });
    r.world.tell('pagehide');
    expect(live(r)).toEqual([]);
    expect(r.world.timers).toBe(0);
    const before = r.dialled.length;
    await r.world.advance(60_000);
    expect(r.dialled).toHaveLength(before);
    r.world.tell('pageshow');
    const third = await r.ready({ expiresIn: undefined });
    await r.world.advance(60_000);
    expect(live(r)).toEqual([third]);
  });

  test('close() by a listener to the abort of the first leaves nothing', async () => {
    const { socket, last, leaks, events } = await handover('init', {
      initPayload: ({ reason, signal }: { reason: string; signal: AbortSignal }) => {
        if (reason === 'start') signal.addEventListener('abort', () => socket.close());
        return 'jwt';
      },
    });
    last().say(v1Ack);
    expect(socket.getSnapshot().status).toBe('closed');
    expect(events.slice(-2)).toEqual(['state closed', 'close']);
    expect(leaks()).toEqual(nothing);
  });

  test('connect() by a listener to the abort of the first, at close(), has one token asked for at once', async () => {
    const asked: AbortSignal[] = [];
    const seen: string[] = [];
    const r = rigV1({
      heartbeat: false,
      getToken: ({ reason, signal }: { reason: string; signal: AbortSignal }) => {
        seen.push(`${reason}, after ${asked.filter(({ aborted }) => aborted).length} aborted`);
        return asked.push(signal) === 1 ? 'token' : never<string>();
      },
      initPayload: ({ reason, signal }: { reason: string; signal: AbortSignal }) => {
        if (reason === 'start') {
          signal.addEventListener('abort', () => r.socket.connect(), { once: true });
        }
        return 'jwt';
      },
    });
    const first = await r.ready({ expiresIn: undefined });
    first.say({ ...goingAway, retryAfter: 0 });
    await r.world.advance(1000);
    r.socket.close();
    expect(seen).toEqual([
      'start, after 0 aborted',
      'handover, after 0 aborted',
      'start, after 2 aborted',
    ]);
  });

  test('reconnect() by a listener to ready leaves one', async () => {
    const r = await handover('init');
    let left = 1;
    r.socket.on('ready', () => {
      if (left) r.socket.reconnect();
      left = 0;
    });
    r.last().say(v1Ack);
    await r.ready({ expiresIn: undefined });
    expect(live(r)).toHaveLength(1);
    expect(r.dialled).toHaveLength(3);
  });
});

describe('the count of tries', () => {
  test('starts over with a first that was stable, and goes on with one that was not', async () => {
    for (const [ms, attempt] of [
      [10_000, 1],
      [5000, 2],
    ] as const) {
      const { socket, world, ready, dial } = rigV1({ heartbeat: false });
      (await dial()).drop();
      const first = await ready({ expiresIn: undefined });
      first.say({ ...goingAway, retryAfter: 0 });
      await world.advance(ms);
      await ready({ expiresIn: undefined });
      expect(socket.getSnapshot()).toMatchObject({ status: 'ready', attempt });
    }
  });

  test('is told to the app as it stands when the handover begins', async () => {
    const { world, ready, dial, tokenCalls } = rigV1({ heartbeat: false });
    (await dial()).drop();
    const first = await ready({ expiresIn: undefined });
    await world.advance(60_000);
    first.say({ ...goingAway, retryAfter: 0 });
    await world.advance(1000);
    expect(tokenCalls.at(-1)).toMatchObject({ reason: 'handover', attempt: 1 });
  });

  test('goes on with a second that fails after a first which was not stable', async () => {
    const { socket, world, ready, dial } = rigV1({ heartbeat: false });
    (await dial()).drop();
    const first = await ready({ expiresIn: undefined });
    await world.advance(8500);
    first.say({ ...goingAway, retryAfter: 0 });
    await world.advance(1000);
    first.drop();
    await world.advance(10_000);
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      attempt: 2,
      failure: { code: 'connect-timeout' },
    });
  });

  test('is not started over by going away again and again: the first must have been stable', async () => {
    const { socket, world, ready, dial } = rigV1({ heartbeat: false });
    (await dial()).drop();
    let ws = await ready({ expiresIn: undefined });
    for (let round = 1; round <= 5; round += 1) {
      ws.say({ ...goingAway, retryAfter: 0 });
      await world.advance(1000);
      ws = await ready({ expiresIn: undefined });
    }
    expect(socket.getSnapshot()).toMatchObject({ status: 'ready', attempt: 2 });
  });
});
