import { describe, expect, test, vi } from 'vitest';
import { toSettings } from './options.ts';
import { createRenewal } from './renewal.ts';
import { deferred, FakeEnvironment, never, settle } from './testing/fakes.test.util.ts';

/** What it did and when, in ms since the start: `ask 1000`, `send jwt-1 1000`, `lost renew-timeout 2000`. */
function setUp(payload?: () => unknown, timeouts = {}) {
  const world = new FakeEnvironment();
  const start = world.now();
  const told: string[] = [];
  const note = (...what: unknown[]) => told.push([...what, world.now() - start].join(' '));
  let asked = 0;
  const renewal = createRenewal(
    toSettings({ url: '/', environment: world, timeouts }),
    async () => {
      asked += 1;
      note('ask');
      return payload ? payload() : `jwt-${asked}`;
    },
    (sent) => note('send', sent),
    ({ code }) => note('trouble', code),
    ({ code }) => note('lost', code),
  );
  return { world, told, ...renewal, asked: () => asked };
}

describe('what the server says of a life', () => {
  test.each([
    [3_600_000, 0, 3_570_000],
    [3_600_000, 0.5, 3_555_000],
    [3_600_000, 0.999, 3_540_030],
    [100_000, 0.5, 55_000],
    [60_000, 0.5, 30_000],
    [10_000, 0.5, 5000],
    [2000, 0.5, 1000],
    [1000, 0, 1000],
    [1, 0, 1000],
    [0, 0, 1000],
    [-3_600_000, 0, 1000],
  ])('%d ms, by chance %d, renews after %d', async (expiresIn, chance, due) => {
    const { world, told, acknowledged } = setUp();
    world.chance = chance;
    acknowledged(expiresIn);
    await world.advance(due - 1);
    expect(told).toEqual([]);
    await world.advance(1);
    expect(told).toEqual([`ask ${due}`, `send jwt-1 ${due}`]);
  });

  test.each([undefined, null, '60000', true, {}, [60_000]])(
    '%j, which is no life, renews nothing by itself',
    async (expiresIn) => {
      const { world, told, acknowledged } = setUp();
      acknowledged(expiresIn);
      expect(world.timers).toBe(0);
      await world.advance(3_600_000);
      expect(told).toEqual([]);
    },
  );

  test('with each ack anew, the one before counting no more', async () => {
    const { world, told, acknowledged } = setUp();
    world.chance = 0;
    acknowledged(60_000);
    await world.advance(10_000);
    acknowledged(120_000);
    await world.advance(89_999);
    expect(told).toEqual([]);
    await world.advance(1);
    expect(told).toHaveLength(2);
    acknowledged(undefined);
    expect(world.timers).toBe(0);
  });

  test('is taken back by an ack that says nothing of it', async () => {
    const { world, told, acknowledged } = setUp();
    acknowledged(60_000);
    acknowledged(undefined);
    expect(world.timers).toBe(0);
    await world.advance(60_000);
    expect(told).toEqual([]);
  });
});

describe('a renewal', () => {
  test('resolves at the ack, and is shared until then', async () => {
    const { told, renew, acknowledged, asked } = setUp();
    const [first, second] = [renew(), renew()];
    expect(second).toBe(first);
    const done = vi.fn();
    first.then(done);
    await settle();
    expect(told).toEqual(['ask 0', 'send jwt-1 0']);
    expect(done).not.toHaveBeenCalled();
    acknowledged(60_000);
    await first;
    const third = renew();
    expect(third).not.toBe(first);
    await settle();
    expect(asked()).toBe(2);
  });

  test('takes the place of the one that was due', async () => {
    const { world, renew, acknowledged, asked } = setUp();
    world.chance = 0;
    acknowledged(60_000);
    await world.advance(29_999);
    renew();
    await world.advance(1);
    acknowledged(60_000);
    await world.advance(29_999);
    expect(asked()).toBe(1);
    await world.advance(1);
    expect(asked()).toBe(2);
  });

  test('may be asked for by the app while it is asked for the payload', async () => {
    const inner: Promise<void>[] = [];
    const { renew, acknowledged, asked } = setUp(() => {
      inner.push(renew());
      return 'jwt';
    });
    const outer = renew();
    await settle();
    expect(inner).toEqual([outer]);
    acknowledged(undefined);
    await outer;
    expect(asked()).toBe(1);
  });

  test('that the server does not answer in time has lost the connection', async () => {
    const { world, told, renew } = setUp(undefined, { init: 4000 });
    renew();
    await world.advance(3999);
    expect(told).toHaveLength(2);
    await world.advance(1);
    expect(told.at(-1)).toBe('lost renew-timeout 4000');
  });

  test('has the time that is left after a slow payload, not more', async () => {
    const { world, told, renew } = setUp(
      () => new Promise((resolve) => world.after(3000, () => resolve('jwt'))),
      { init: 4000 },
    );
    renew();
    await world.advance(4000);
    expect(told).toEqual(['ask 0', 'send jwt 3000', 'lost renew-timeout 4000']);
  });

  test('is not bounded where the init stage is not', async () => {
    const { world, told, renew } = setUp(undefined, { init: 0 });
    renew();
    await world.advance(3_600_000);
    expect(told).toHaveLength(2);
  });

  test.each<[string, () => unknown]>([
    ['throws', () => Promise.reject(new Error('no JWT'))],
    ['throws undefined', () => Promise.reject()],
  ])('whose payload %s rejects, and is tried again each 5 s', async (_name, payload) => {
    const { world, told, renew, acknowledged } = setUp(payload);
    acknowledged(3_600_000);
    const renewed = renew();
    await expect(renewed).rejects.toMatchObject({
      name: 'TwoStageError',
      stage: 'ready',
      code: 'renew-failed',
      retryable: true,
    });
    await world.advance(14_999);
    const tries = [0, 5000, 10_000].flatMap((at) => [`ask ${at}`, `trouble renew-failed ${at}`]);
    expect(told).toEqual(tries);
  });

  test('whose payload hangs gives up after the timeout, and is tried again', async () => {
    const { world, told, renew, acknowledged } = setUp(() => never(), { init: 4000 });
    acknowledged(3_600_000);
    const renewed = renew();
    await world.advance(9000);
    await expect(renewed).rejects.toMatchObject({ code: 'renew-failed' });
    expect(told).toEqual(['ask 0', 'trouble renew-failed 4000', 'ask 9000']);
  });

  test.each<[string, object, number | undefined]>([
    ['is refused for good', { status: 401 }, 3_600_000],
    ['fails, where nobody said when the one in use ends,', new Error('no JWT'), undefined],
    ['fails just before the one in use ends', new Error('no JWT'), 5000],
  ])('whose payload %s is not tried again', async (_name, error, life) => {
    const { world, told, renew, acknowledged } = setUp(() => Promise.reject(error));
    acknowledged(life);
    renew();
    await world.advance(600_000);
    expect(told).toEqual(['ask 0', 'trouble renew-failed 0']);
    expect(world.timers).toBe(0);
  });

  test('whose payload says when to come back is tried again then', async () => {
    const { world, told, renew, acknowledged } = setUp(() =>
      Promise.reject({ status: 429, retryAfter: 60_000 }),
    );
    acknowledged(3_600_000);
    renew();
    await world.advance(119_999);
    expect(told.filter((line) => line.startsWith('ask'))).toEqual(['ask 0', 'ask 60000']);
  });

  test('whose payload says to come back sooner than in 5 s is not', async () => {
    const { world, told, renew, acknowledged } = setUp(() =>
      Promise.reject({ status: 429, retryAfter: 100 }),
    );
    acknowledged(3_600_000);
    renew();
    await world.advance(9999);
    expect(told.filter((line) => line.startsWith('ask'))).toEqual(['ask 0', 'ask 5000']);
  });

  test('that is refused for good calls off the one that was due, unbounded as it may be', async () => {
    const { world, renew, acknowledged, asked } = setUp(() => Promise.reject({ status: 401 }), {
      init: 0,
    });
    acknowledged(3_600_000);
    renew();
    await settle();
    expect(world.timers).toBe(0);
    await world.advance(3_600_000);
    expect(asked()).toBe(1);
  });

  test('after one that was sent is not answered by an ack before its own payload has left', async () => {
    const second = deferred<string>();
    const payloads = ['jwt', second.promise];
    const { world, told, renew, acknowledged } = setUp(() => payloads.shift(), { init: 4000 });
    renew();
    await settle();
    acknowledged(undefined);
    const done = vi.fn();
    renew().then(done, () => {});
    acknowledged(undefined);
    await world.advance(4000);
    expect(done).not.toHaveBeenCalled();
    expect(told.at(-1)).toBe('trouble renew-failed 4000');
  });

  test('ignores the payload of a try that it gave up', async () => {
    const late = deferred<string>();
    const { world, told, renew } = setUp(() => late.promise, { init: 4000 });
    renew();
    await world.advance(4000);
    late.resolve('late');
    await settle();
    expect(told).toEqual(['ask 0', 'trouble renew-failed 4000']);
  });

  test('ignores what is thrown by a try that it gave up, or that was stopped', async () => {
    for (const isStopped of [false, true]) {
      const late = deferred<string>();
      const { world, told, renew, stop } = setUp(() => late.promise, { init: 4000 });
      renew().catch(() => {});
      await world.advance(isStopped ? 3999 : 4000);
      if (isStopped) stop({ stage: 'ready', code: 'closed' });
      const [before, timers] = [[...told], world.timers];
      late.reject(new Error('late'));
      await world.advance(4999);
      expect(told).toEqual(before);
      expect(world.timers).toBe(timers);
    }
  });

  test('that the app asks for anew takes the place of the next try', async () => {
    const answers = [() => Promise.reject(new Error('no JWT')), () => 'jwt'];
    const { world, renew, asked, acknowledged } = setUp(() => answers.shift()?.());
    await renew().catch(() => {});
    await world.advance(1000);
    const second = renew();
    await settle();
    acknowledged(undefined);
    await second;
    expect(world.timers).toBe(0);
    await world.advance(60_000);
    expect(asked()).toBe(2);
  });

  test('stopped rejects with what ended it, and leaves nothing', async () => {
    const { world, told, renew, stop } = setUp();
    const renewed = renew();
    await settle();
    stop({ stage: 'ready', code: 'connection-lost', closeCode: 1006 });
    await expect(renewed).rejects.toMatchObject({
      code: 'connection-lost',
      closeCode: 1006,
      retryable: true,
    });
    expect(world.timers).toBe(0);
    await world.advance(60_000);
    expect(told).toHaveLength(2);
  });

  test('stopped by what is final rejects with that, and says so', async () => {
    const { renew, stop } = setUp();
    const renewed = renew();
    stop({ stage: 'ready', code: 'forbidden', closeCode: 4403 });
    await expect(renewed).rejects.toMatchObject({ code: 'forbidden', retryable: false });
  });

  test('stopped while it asks for the payload sends nothing', async () => {
    const payload = deferred<string>();
    const { told, renew, stop } = setUp(() => payload.promise);
    const renewed = renew();
    await settle();
    stop({ stage: 'ready', code: 'closed' });
    payload.resolve('jwt');
    await expect(renewed).rejects.toMatchObject({ code: 'closed' });
    await settle();
    expect(told).toEqual(['ask 0']);
  });

  test('stopped between two tries has no other', async () => {
    const { world, renew, stop, asked } = setUp(() => Promise.reject(new Error('no JWT')));
    await renew().catch(() => {});
    stop({ stage: 'ready', code: 'closed' });
    expect(world.timers).toBe(0);
    await world.advance(60_000);
    expect(asked()).toBe(1);
  });
});
