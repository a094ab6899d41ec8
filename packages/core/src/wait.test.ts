import { describe, expect, test } from 'vitest';
import { FakeEnvironment } from './testing/fakes.test.util.ts';
import { startWait } from './wait.ts';

function setUp(delay: number, { mayHurry = true, online = true } = {}) {
  const world = new FakeEnvironment();
  world.isOnline = online;
  const start = world.now();
  const told: (number | string)[] = [];
  const { wake, cancel } = startWait(
    world,
    delay,
    mayHurry,
    ({ until, retryAt }) => told.push(until ?? (retryAt ?? start) - start),
    () => told.push('done'),
  );
  const events = ['online', 'visibilitychange'] as const;
  for (const event of events) world.page.on(event, () => wake(event === 'online'));
  return { world, told, cancel };
}

describe('a wait', () => {
  test('is over after its delay, and leaves nothing', async () => {
    const { world, told } = setUp(5000);
    await world.advance(4999);
    expect(told).toEqual([5000]);
    await world.advance(1);
    expect(told).toEqual([5000, 'done']);
    expect(world.timers).toBe(0);
  });

  test('without a network has no end but the network, and then some jitter', async () => {
    const { world, told } = setUp(5000, { online: false });
    await world.advance(60_000);
    expect(told).toEqual(['online']);
    world.chance = 0.25;
    world.goOnline();
    await world.advance(250);
    expect(told).toEqual(['online', 60_250, 'done']);
    expect(world.timers).toBe(0);
  });

  test('that may hurry does so when the network comes back', async () => {
    const { world, told } = setUp(60_000);
    await world.advance(10_000);
    world.goOnline();
    await world.advance(500);
    expect(told).toEqual([60_000, 10_500, 'done']);
    expect(world.timers).toBe(0);
  });

  test('that may not hurry keeps its time, and waits for the network only after it', async () => {
    const { world, told } = setUp(60_000, { mayHurry: false, online: false });
    world.goOnline();
    await world.advance(10_000);
    world.goOffline();
    await world.advance(60_000);
    expect(told).toEqual([60_000, 'online']);
    world.goOnline();
    await world.advance(400);
    world.goOnline();
    await world.advance(100);
    expect(told).toEqual([60_000, 'online', 70_500, 'done']);
    expect(world.timers).toBe(0);
  });

  test('goes back to waiting for the network when that leaves again', async () => {
    const { world, told } = setUp(1000, { online: false });
    world.goOnline();
    world.goOffline();
    await world.advance(1000);
    expect(told).toEqual(['online', 500, 'online']);
  });

  test('in a page that is hidden ends when that is seen', async () => {
    const { world, told } = setUp(1000);
    world.hide();
    await world.advance(60_000);
    expect(told).toEqual([1000, 'visible']);
    world.show();
    await world.advance(0);
    expect(told).toEqual([1000, 'visible', 60_000, 'done']);
  });

  test('is not hurried by a page that is seen', async () => {
    const { world, told } = setUp(1000);
    world.hide();
    world.show();
    await world.advance(999);
    expect(told).toEqual([1000]);
  });

  test('needs both a network and a page that is seen, and says what is missing', async () => {
    const { world, told } = setUp(1000, { online: false });
    world.hide();
    world.goOnline();
    world.goOffline();
    world.show();
    await world.advance(60_000);
    expect(told).toEqual(['online', 'visible', 'online']);
    world.goOnline();
    await world.advance(500);
    expect(told.at(-1)).toBe('done');
  });

  test.each([true, false])(
    'cancelled (online: %j), is never over and leaves nothing',
    async (online) => {
      const { world, told, cancel } = setUp(1000, { online });
      cancel();
      await world.advance(60_000);
      expect(told).not.toContain('done');
      expect(world.timers).toBe(0);
    },
  );
});
