import { describe, expect, test, vi } from 'vitest';
import { deferred, nothing, settle, v1, waitLeft } from './testing/fakes.test.util.ts';
import { type RigV1, rigV1 } from './testing/v1.test.util.ts';
import type { Token, TokenContext } from './types.ts';

/** A token route that answers when it is told to, and knows how many it is asked for at once. */
function tokenRoute() {
  const asked: (TokenContext & {
    answer(token?: Partial<Token>): Promise<void>;
    refuse(error: unknown): Promise<void>;
  })[] = [];
  let open = 0;
  let most = 0;
  const getToken = (context: TokenContext) => {
    const { promise, resolve, reject } = deferred<Token>();
    const token = `token-${asked.length + 1}`;
    open += 1;
    most = Math.max(most, open);
    let isOver = false;
    const over = () => {
      if (!isOver) open -= 1;
      isOver = true;
    };
    context.signal.addEventListener('abort', over);
    promise.then(over, over);
    asked.push({
      ...context,
      answer(facts) {
        resolve({ token, ...facts });
        return settle();
      },
      refuse(error) {
        reject(error);
        return settle();
      },
    });
    return promise;
  };
  return {
    getToken,
    asked,
    last: () => asked.at(-1) as (typeof asked)[number],
    reasons: () => asked.map(({ reason }) => reason),
    most: () => most,
  };
}

type Route = ReturnType<typeof tokenRoute>;
type Prefetching = RigV1 & { readonly route: Route };

/** Ready, with a spare that is asked for: `route.last()` is the one to answer. */
async function prefetching(options: Parameters<typeof rigV1>[0] = {}): Promise<Prefetching> {
  const route = tokenRoute();
  const r = rigV1({ prefetch: true, heartbeat: false, getToken: route.getToken, ...options });
  r.socket.connect();
  await route.last().answer();
  await r.ready({ expiresIn: undefined });
  return { ...r, route };
}

describe('a spare token', () => {
  test('is fetched once the socket is ready, and not before', async () => {
    const route = tokenRoute();
    const r = rigV1({ prefetch: true, getToken: route.getToken });
    r.socket.connect();
    await route.last().answer();
    await r.become('authenticating');
    expect(route.asked).toHaveLength(1);
    await r.ready();
    expect(route.reasons()).toEqual(['start', 'prefetch']);
    expect(route.last()).toMatchObject({
      attempt: 1,
      previous: { token: 'token-1' },
      signal: { aborted: false },
    });
  });

  test('changes no state and is told to nobody', async () => {
    const { socket, events, route } = await prefetching();
    const [before, told] = [socket.getSnapshot(), events.length];
    await route.last().answer();
    expect(socket.getSnapshot()).toBe(before);
    expect(events).toHaveLength(told);
  });

  test('opens the next connection, with no other asked for: a round trip less', async () => {
    const { socket, world, dialled, last, events, route } = await prefetching();
    await route.last().answer();
    const told = events.length;
    last().drop();
    await world.advance(waitLeft(socket, world));
    expect(dialled.map(({ token }) => token)).toEqual(['token-1', 'token-2']);
    expect(route.asked).toHaveLength(2);
    expect(events.slice(told)).toEqual([
      'state waiting',
      'error connection-lost',
      'state connecting',
    ]);
  });

  test('opens one connection, and each that gets ready has another fetched', async () => {
    const { ready, last, dialled, route } = await prefetching();
    for (let round = 2; round <= 5; round += 1) {
      await route.last().answer();
      last().drop();
      await ready({ expiresIn: undefined });
      expect(last().token).toBe(`token-${round}`);
      expect(route.asked).toHaveLength(round + 1);
    }
    const used = dialled.map(({ token }) => token);
    expect(new Set(used).size).toBe(used.length);
  });

  test('that went out with a connection that came to nothing is not used again', async () => {
    const { socket, world, ready, last, route } = await prefetching();
    await route.last().answer();
    last().drop();
    await world.advance(waitLeft(socket, world));
    last().drop();
    expect(socket.getSnapshot()).toMatchObject({ failure: { code: 'connect-failed' } });
    await world.advance(waitLeft(socket, world));
    expect(route.reasons()).toEqual(['start', 'prefetch', 'connect-failed']);
    await route.last().answer();
    await ready();
    expect(last().token).toBe('token-3');
  });

  test('that has expired meanwhile is not used', async () => {
    const { socket, world, last, route } = await prefetching();
    await route.last().answer({ expiresIn: 30_000 });
    await world.advance(30_000);
    last().drop();
    await world.advance(waitLeft(socket, world));
    expect(route.reasons()).toEqual(['start', 'prefetch', 'connection-lost']);
  });

  test('is not used after the server has refused credentials', async () => {
    const { socket, world, last, route } = await prefetching();
    await route.last().answer();
    last().drop(4401);
    await world.advance(waitLeft(socket, world));
    expect(route.reasons()).toEqual(['start', 'prefetch', 'unauthorized']);
  });

  test('is not used by reconnect(), which wants fresh credentials', async () => {
    const { socket, route } = await prefetching();
    await route.last().answer();
    socket.reconnect();
    await settle();
    expect(route.reasons()).toEqual(['start', 'prefetch', 'reconnect']);
  });

  test('outlives a stay in the bfcache', async () => {
    const { world, ready, last, route } = await prefetching();
    await route.last().answer();
    world.tell('pagehide');
    await world.advance(10_000);
    world.tell('pageshow');
    await ready();
    expect(last().token).toBe('token-2');
  });

  test.each(['close', 'reconnect'] as const)(
    'is not fetched for a connection that a listener to ready ended: %s()',
    async (method) => {
      const { socket, ready, tokenCalls } = rigV1({ prefetch: true });
      const off = socket.on('ready', () => {
        off();
        socket[method]();
      });
      await ready();
      await settle();
      expect(tokenCalls.map(({ reason }) => reason)).not.toContain('prefetch');
    },
  );

  const unneeded: [string, object][] = [
    ['where it is off', { prefetch: false }],
    ['where nothing is said', { prefetch: undefined }],
    ['where the token may be reused', { tokenRetry: 'reuse' }],
  ];
  test.each(unneeded)('is not fetched %s', async (_name, options) => {
    const { world, route } = await prefetching(options);
    await world.advance(3_600_000);
    expect(route.reasons()).toEqual(['start']);
  });

  test('is not fetched where the token says of itself that it may be reused', async () => {
    const route = tokenRoute();
    const r = rigV1({ prefetch: true, heartbeat: false, getToken: route.getToken });
    r.socket.connect();
    await route.last().answer({ reusable: true });
    await r.ready({ expiresIn: undefined });
    await r.world.advance(3_600_000);
    expect(route.reasons()).toEqual(['start']);
  });

  test('is nothing where there is no token stage', async () => {
    const r = rigV1({ prefetch: true, getToken: undefined });
    await r.ready();
    await settle();
    expect(r.socket.getSnapshot().status).toBe('ready');
    expect(r.events.at(-1)).toBe('ready');
  });

  test('is fetched anew by a function that was put in place later', async () => {
    const { socket, ready, last, route } = await prefetching();
    await route.last().answer();
    const newest = vi.fn(() => 'newest');
    socket.configure({ getToken: newest });
    last().drop();
    await ready();
    expect(newest.mock.calls).toEqual([[expect.objectContaining({ reason: 'prefetch' })]]);
  });
});

describe('a spare that expires', () => {
  test('has another fetched when it does', async () => {
    const { world, route } = await prefetching();
    await route.last().answer({ expiresIn: 900_000 });
    await world.advance(899_999);
    expect(route.asked).toHaveLength(2);
    await world.advance(1);
    expect(route.reasons()).toEqual(['start', 'prefetch', 'prefetch']);
    expect(route.last()).toMatchObject({ previous: { token: 'token-2' } });
    await route.last().answer({ expiresIn: 900_000 });
    await world.advance(900_000);
    expect(route.asked).toHaveLength(4);
  });

  test.each([0, 1, -5, 1000, 59_999])(
    'after %d ms has another fetched once a minute, no more',
    async (expiresIn) => {
      const { world, route } = await prefetching();
      for (let second = 1; second <= 600; second += 1) {
        await route.last().answer({ expiresIn });
        await world.advance(1000);
      }
      expect(route.asked.length).toBeLessThanOrEqual(12);
    },
  );

  test.each([{ expiresIn: Number.NaN }, { expiresAt: 'some day' }])(
    'at a time that is no time is not fetched in a loop: %j',
    async (facts) => {
      const getToken = vi.fn(() => ({ token: 'token', ...facts }));
      const r = rigV1({ prefetch: true, heartbeat: false, getToken });
      const { now, random, page, after } = r.world;
      // `setTimeout` takes NaN for the shortest time there is.
      const afterAll = (ms: number, callback: () => void) => after(ms || 1, callback);
      r.socket.configure({ environment: { now, random, page, after: afterAll } });
      await r.ready({ expiresIn: undefined });
      await r.world.advance(1000);
      expect(getToken).toHaveBeenCalledTimes(2);
    },
  );

  test.each([{ expiresIn: 0 }, { expiresIn: -5 }, { expiresAt: 1_000_000 }])(
    'before it has come is not asked for again by that connection: %j',
    async (facts) => {
      const { world, last, route, ready } = await prefetching();
      await route.last().answer(facts);
      await world.advance(3_600_000);
      expect(route.asked).toHaveLength(2);
      last().drop();
      await world.advance(2000);
      await route.last().answer();
      await ready();
      expect(last().token).toBe('token-3');
    },
  );

  test.each([1, 1000, 3_600_000])(
    'is replaced by its timer, though the clock has fallen %d ms behind that',
    async (ms) => {
      const { socket, world, route } = await prefetching();
      let lag = 0;
      const { now, random, page, after } = world;
      socket.configure({ environment: { now: () => now() - lag, random, page, after } });
      await route.last().answer({ expiresIn: 900_000 });
      lag = ms;
      await world.advance(900_000);
      expect(route.reasons()).toEqual(['start', 'prefetch', 'prefetch']);
      await route.last().answer({ expiresIn: 900_000 });
      await world.advance(900_000);
      expect(route.asked).toHaveLength(4);
    },
  );

  test.each([{ prefetch: false }, { getToken: undefined }])(
    'is not replaced where none is wanted any more: %j',
    async (options) => {
      const { socket, world, route, events } = await prefetching();
      await route.last().answer({ expiresIn: 900_000 });
      socket.configure(options);
      await world.advance(3_600_000);
      expect(route.asked).toHaveLength(2);
      expect(events.at(-1)).toBe('ready');
    },
  );

  test('once it has come is not told to be late', async () => {
    const { world, route, events } = await prefetching();
    for (const facts of [{ expiresIn: 900_000 }, {}]) {
      const told = events.length;
      await route.last().answer(facts);
      await world.advance(900_000);
      expect(events).toHaveLength(told);
    }
    expect(route.asked.map(({ signal }) => signal.aborted)).toEqual([false, false, false]);
  });

  test('and was slow to come counts from when it was asked for', async () => {
    const { world, route } = await prefetching();
    await world.advance(8000);
    await route.last().answer({ expiresIn: 900_000 });
    await world.advance(892_000);
    expect(route.asked).toHaveLength(3);
  });

  test('and never comes is given up after the timeout of the token stage, and told', async () => {
    const { socket, world, route, events } = await prefetching();
    await world.advance(9999);
    expect(route.last().signal.aborted).toBe(false);
    await world.advance(1);
    expect([route.last().signal.aborted, events.at(-1)]).toEqual([true, 'error token-timeout']);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('is of no more interest once its connection is gone', async () => {
    const { socket, world, last, route, ready } = await prefetching();
    await route.last().answer({ expiresIn: 900_000 });
    last().drop();
    await ready({ expiresIn: undefined });
    await route.last().answer();
    const asked = route.asked.length;
    await world.advance(3_600_000);
    expect(route.asked).toHaveLength(asked);
    socket.close();
  });

  test('never expires where nothing is said of it', async () => {
    const { world, route } = await prefetching();
    await route.last().answer();
    await world.advance(30 * 86_400_000);
    expect(route.asked).toHaveLength(2);
  });
});

describe('a spare that cannot be had', () => {
  const refusals: [string, unknown, object][] = [
    ['a broken network', new Error('offline'), { code: 'token-failed' }],
    ['a 503', { status: 503, retryAfter: 5000 }, { code: 'token-failed', status: 503 }],
    ['a 401', { status: 401 }, { code: 'unauthorized', status: 401 }],
    ['undefined', undefined, { code: 'token-failed' }],
  ];
  test.each(refusals)(
    'because of %s is an error that hurts nothing',
    async (_name, refusal, facts) => {
      const { socket, world, last, route, events, ready } = await prefetching();
      const onError = vi.fn();
      socket.on('error', onError);
      const before = socket.getSnapshot();
      await route.last().refuse(refusal);
      expect(onError.mock.calls).toEqual([[expect.objectContaining({ stage: 'token', ...facts })]]);
      await world.advance(600_000);
      expect(socket.getSnapshot()).toBe(before);
      expect(socket.send('still here')).toBe('sent');
      expect(route.asked).toHaveLength(2);
      last().drop();
      await world.advance(waitLeft(socket, world));
      expect(route.reasons().at(-1)).toBe('connection-lost');
      await route.last().answer();
      await ready();
      expect(events.filter((event) => event.startsWith('error'))).toHaveLength(2);
    },
  );

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('oops');
      },
    ],
    ['gives no token', () => ''],
  ])('because getToken %s is the same', async (_name, bad) => {
    const r = rigV1({
      prefetch: true,
      getToken: ({ reason }: TokenContext) => (reason === 'prefetch' ? bad() : `for ${reason}`),
    });
    await r.ready();
    await settle();
    expect(r.events.slice(-2)).toEqual(['ready', 'error token-failed']);
    expect(r.socket.getSnapshot().status).toBe('ready');
    r.last().drop();
    await r.ready();
    expect(r.last().token).toBe('for connection-lost');
  });

  test.each([401, 403])(
    'because of a %d is an error that trying again would not help',
    async (status) => {
      const { socket, route } = await prefetching();
      const onError = vi.fn();
      socket.on('error', onError);
      await route.last().refuse({ status });
      expect(onError.mock.calls).toEqual([
        [expect.objectContaining({ code: 'unauthorized', retryable: false })],
      ]);
    },
  );

  test('because it never comes keeps nothing from coming back', async () => {
    const { world, ready, last, route, socket } = await prefetching();
    await world.advance(3_600_000);
    last().drop();
    await world.advance(waitLeft(socket, world));
    await route.last().answer();
    await ready();
    expect(last().token).toBe('token-3');
    expect(route.most()).toBe(1);
  });
});

describe('while a spare is being fetched', () => {
  test('a lost connection has that aborted, and asks anew: never two at once', async () => {
    const { socket, world, last, route, ready } = await prefetching();
    const spare = route.last();
    last().drop();
    expect(spare.signal.aborted).toBe(true);
    await world.advance(waitLeft(socket, world));
    expect(route.reasons()).toEqual(['start', 'prefetch', 'connection-lost']);
    await spare.answer();
    await route.last().answer();
    await ready();
    expect([last().token, route.most()]).toEqual(['token-3', 1]);
  });

  test('what fails after it was aborted is told to nobody', async () => {
    const { last, route, events } = await prefetching();
    const spare = route.last();
    last().drop();
    const told = events.length;
    await spare.refuse(new Error('aborted'));
    expect(events).toHaveLength(told);
  });

  const ends: [string, (r: Prefetching) => void][] = [
    ['close()', ({ socket }) => socket.close()],
    ['reconnect()', ({ socket }) => socket.reconnect()],
    ['pagehide', ({ world }) => world.tell('pagehide')],
  ];
  test.each(ends)('%s has it aborted', async (_name, end) => {
    const r = await prefetching();
    const spare = r.route.last();
    end(r);
    expect(spare.signal.aborted).toBe(true);
    expect(r.route.most()).toBe(1);
  });

  test('pagehide leaves no timer for it, though it comes after all', async () => {
    const { world, route } = await prefetching();
    world.tell('pagehide');
    await route.last().answer({ expiresIn: 900_000 });
    expect(world.timers).toBe(0);
    await world.advance(3_600_000);
    expect(route.asked).toHaveLength(2);
  });

  test('that is given up is told of before its signal is aborted, whose listener may close', async () => {
    const { socket, world, route, events } = await prefetching();
    route.last().signal.addEventListener('abort', () => socket.close());
    await world.advance(10_000);
    expect(events.slice(-3)).toEqual(['error token-timeout', 'state closed', 'close']);
  });

  test('reconnect() by a listener to the abort of it, at a loss, makes one attempt and no wait', async () => {
    const { socket, world, last, route, dialled, events } = await prefetching();
    const told = events.length;
    route.last().signal.addEventListener('abort', () => socket.reconnect());
    last().drop();
    expect(socket.getSnapshot().status).toBe('fetching-token');
    expect(events.slice(told)).toEqual(['state fetching-token']);
    await route.last().answer();
    await world.advance(5000);
    expect(route.reasons()).toEqual(['start', 'prefetch', 'reconnect']);
    expect(dialled).toHaveLength(2);
  });

  test('whoever kept the signal of one hears of the end of the connection', async () => {
    const { socket, world, route } = await prefetching();
    for (let spare = 1; spare <= 3; spare += 1) {
      await route.last().answer({ expiresIn: 60_000 });
      await world.advance(60_000);
    }
    expect(route.asked).toHaveLength(5);
    socket.close();
    expect(route.asked.map(({ signal }) => signal.aborted)).toEqual(Array(5).fill(true));
  });

  test('close() leaves nothing, whatever becomes of it', async () => {
    for (const act of ['answer', 'refuse'] as const) {
      const { socket, world, route, leaks, events } = await prefetching();
      socket.close();
      expect(leaks()).toEqual(nothing);
      await route.last()[act]({});
      await world.advance(3_600_000);
      expect(leaks()).toEqual(nothing);
      expect(events.at(-1)).toBe('close');
      expect(route.asked).toHaveLength(2);
    }
  });

  test('close() in getToken itself is final', async () => {
    const r = rigV1({
      prefetch: true,
      getToken: ({ reason }: TokenContext) => {
        if (reason === 'prefetch') r.socket.close();
        return 'token';
      },
    });
    await r.ready();
    await r.world.advance(60_000);
    expect(r.socket.getSnapshot().status).toBe('closed');
    expect(r.leaks()).toEqual(nothing);
  });
});

describe('another user', () => {
  test.each(['in hand', 'on its way', 'on its way, and comes'])(
    'never gets the spare of the one before, %s',
    async (where) => {
      const { socket, ready, route, dialled } = await prefetching();
      const spare = route.last();
      if (where === 'in hand') await spare.answer();
      socket.close();
      socket.connect();
      if (where === 'on its way, and comes') await spare.answer();
      await settle();
      expect(route.last()).toMatchObject({ reason: 'start', previous: undefined });
      await route.last().answer();
      await ready();
      expect(dialled.map(({ token }) => token)).toEqual(['token-1', 'token-3']);
    },
  );

  test('has no spare fetched for the one before', async () => {
    const { socket, world, route } = await prefetching();
    await route.last().answer({ expiresIn: 900_000 });
    socket.close();
    await world.advance(3_600_000);
    expect(route.asked).toHaveLength(2);
  });
});

describe('a handover', () => {
  const goAway = async ({ last, world }: Prefetching) => {
    last().say({ type: 'going-away', retryAfter: 0 });
    await world.advance(1000);
  };

  test('uses the spare, and has another fetched when the second is ready', async () => {
    const r = await prefetching();
    await r.route.last().answer();
    await goAway(r);
    await r.ready({ expiresIn: undefined });
    expect(r.dialled.map(({ token }) => token)).toEqual(['token-1', 'token-2']);
    expect(r.route.reasons()).toEqual(['start', 'prefetch', 'prefetch']);
  });

  test('has a spare that is on its way aborted, and asks for a token of its own', async () => {
    const r = await prefetching();
    const spare = r.route.last();
    await goAway(r);
    expect(spare.signal.aborted).toBe(true);
    expect(r.route.reasons()).toEqual(['start', 'prefetch', 'handover']);
    await spare.answer();
    await r.route.last().answer();
    await r.ready({ expiresIn: undefined });
    expect([r.last().token, r.route.most()]).toEqual(['token-3', 1]);
  });

  test('whose token is slow to come is not joined by a spare that is due meanwhile', async () => {
    const r = await prefetching();
    await r.route.last().answer({ expiresIn: 1000 });
    await r.world.advance(55_000);
    await goAway(r);
    expect(r.route.reasons()).toEqual(['start', 'prefetch', 'handover']);
    await r.world.advance(8000);
    expect(r.route.most()).toBe(1);
    await r.route.asked[2]?.answer();
    await r.ready({ expiresIn: undefined });
    expect(r.route.reasons()).toEqual(['start', 'prefetch', 'handover', 'prefetch']);
    expect(r.last().token).toBe('token-3');
  });

  test('that is slow to get ready has no spare fetched twice', async () => {
    const r = await prefetching();
    await r.route.last().answer({ expiresIn: 58_000 });
    await r.world.advance(57_000);
    await goAway(r);
    await r.become('authenticating');
    await r.world.advance(5000);
    await r.ready({ expiresIn: undefined });
    expect(r.route.most()).toBe(1);
    await r.route.last().answer();
    r.last().drop();
    await r.world.advance(waitLeft(r.socket, r.world));
    const used = r.dialled.map(({ token }) => token);
    expect(new Set(used).size).toBe(used.length);
  });

  test('that fails has another spare fetched for the first, which goes on', async () => {
    const r = await prefetching();
    await r.route.last().answer();
    await goAway(r);
    r.last().drop();
    await settle();
    expect(r.route.reasons()).toEqual(['start', 'prefetch', 'prefetch']);
    await r.route.last().answer();
    r.dialled[0]?.drop();
    await r.ready({ expiresIn: undefined });
    expect(r.last().token).toBe('token-3');
  });

  test('that fails, and makes a listener reconnect, has one token asked for and not two', async () => {
    const r = await prefetching();
    await r.route.last().answer();
    await goAway(r);
    r.socket.on('error', () => r.socket.reconnect());
    r.last().drop();
    await settle();
    expect(r.route.reasons()).toEqual(['start', 'prefetch', 'reconnect']);
    expect(r.route.most()).toBe(1);
  });

  test('whose token is refused with a delay has no spare asked for in spite of it', async () => {
    const r = await prefetching();
    await goAway(r);
    await r.route.last().refuse({ status: 503, retryAfter: 60_000 });
    await r.world.advance(59_999);
    expect(r.route.reasons()).toEqual(['start', 'prefetch', 'handover']);
  });

  test('that takes over from a first that is lost has one token, its own', async () => {
    const r = await prefetching();
    await r.route.last().answer();
    await goAway(r);
    r.dialled[0]?.drop();
    await r.ready({ expiresIn: undefined });
    expect(r.dialled.map(({ token }) => token)).toEqual(['token-1', 'token-2']);
    expect(r.route.reasons()).toEqual(['start', 'prefetch', 'prefetch']);
  });

  test('close() by a listener to the abort of the spare leaves nothing', async () => {
    const r = await prefetching();
    r.route.last().signal.addEventListener('abort', () => r.socket.close());
    await goAway(r);
    expect(r.socket.getSnapshot().status).toBe('closed');
    expect(r.dialled).toHaveLength(1);
    expect(r.leaks()).toEqual(nothing);
  });
});

test('the wire of the token is that of the spare too', async () => {
  const route = tokenRoute();
  const r = rigV1({ prefetch: true, protocols: undefined, getToken: route.getToken });
  r.socket.connect();
  await route.last().answer({ protocol: v1 });
  await r.ready({ expiresIn: undefined });
  await route.last().answer({ protocol: v1 });
  r.last().drop();
  await r.ready();
  expect(r.last().protocols).toEqual([v1]);
});
