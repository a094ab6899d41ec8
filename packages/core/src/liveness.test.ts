import { describe, expect, test } from 'vitest';
import { watchLiveness } from './liveness.ts';
import { FakeEnvironment } from './testing/fakes.test.util.ts';

/** What it did and when, in ms since the start: `ask 1000`, `lost 2000`. */
function setUp(interval: number, timeout: number, mayAsk: () => boolean = () => true) {
  const world = new FakeEnvironment();
  const start = world.now();
  const told: string[] = [];
  const note = (what: string) => told.push(`${what} ${world.now() - start}`);
  const ask = () => {
    if (!mayAsk()) return false;
    note('ask');
    return true;
  };
  const liveness = watchLiveness(world, interval, timeout, ask, () => note('lost'));
  return { world, told, ...liveness };
}

describe('the heartbeat', () => {
  test('asks after the interval, and gives up when nothing has come by the timeout', async () => {
    const { world, told } = setUp(10_000, 4000);
    await world.advance(13_999);
    expect(told).toEqual(['ask 10000']);
    await world.advance(1);
    expect(told).toEqual(['ask 10000', 'lost 14000']);
    expect(world.timers).toBe(0);
  });

  test('asks again an interval after each answer', async () => {
    const { world, told, heard } = setUp(10_000, 4000);
    for (const late of [0, 3999]) {
      await world.advance(10_000 + late);
      heard(true);
    }
    await world.advance(10_000);
    expect(told).toEqual(['ask 10000', 'ask 20000', 'ask 33999']);
  });

  test('is not put off by what comes unasked', async () => {
    const { world, told, heard } = setUp(10_000, 4000);
    for (let second = 1; second < 10; second += 1) {
      await world.advance(1000);
      heard(true);
    }
    await world.advance(1000);
    expect(told).toEqual(['ask 10000']);
  });

  test('with an interval of 0 never asks, and has no timer', async () => {
    const { world, told, heard } = setUp(0, 0);
    heard(true);
    expect(world.timers).toBe(0);
    await world.advance(3_600_000);
    expect(told).toEqual([]);
  });

  test('that cannot ask waits for the next time, and loses nothing', async () => {
    let may = false;
    const { world, told } = setUp(10_000, 4000, () => may);
    await world.advance(30_000);
    expect(told).toEqual([]);
    may = true;
    await world.advance(14_000);
    expect(told).toEqual(['ask 40000', 'lost 44000']);
  });

  test('stopped, at rest or while it asks, leaves nothing', async () => {
    for (const ms of [5000, 12_000]) {
      const { world, told, stop } = setUp(10_000, 4000);
      await world.advance(ms);
      const before = [...told];
      stop();
      expect(world.timers).toBe(0);
      await world.advance(60_000);
      expect(told).toEqual(before);
    }
  });
});

describe('a probe', () => {
  test('asks now, and has a deadline of its own', async () => {
    const { world, told, probe } = setUp(60_000, 10_000);
    await world.advance(5000);
    probe(3000);
    await world.advance(3000);
    expect(told).toEqual(['ask 5000', 'lost 8000']);
    expect(world.timers).toBe(0);
  });

  test('that is answered starts the interval over', async () => {
    const { world, told, probe, heard } = setUp(10_000, 4000);
    await world.advance(9000);
    probe(3000);
    heard(true);
    await world.advance(10_000);
    expect(told).toEqual(['ask 9000', 'ask 19000']);
  });

  test('works without a heartbeat, and its answer leaves no timer', async () => {
    const { world, told, probe, heard } = setUp(0, 0);
    probe(3000);
    heard(true);
    expect(world.timers).toBe(0);
    probe(3000);
    await world.advance(3000);
    expect(told).toEqual(['ask 0', 'ask 0', 'lost 3000']);
  });

  test('again does not forget what has come since the first', async () => {
    const { world, told, probe, heard } = setUp(0, 0);
    probe(3000);
    heard(false);
    await world.advance(2000);
    probe(3000);
    await world.advance(1000);
    expect(told).toEqual(['ask 0', 'ask 2000', 'ask 3000']);
  });

  test('again, with the clock set back meanwhile, is not waited for any longer', async () => {
    const { world, told, probe } = setUp(0, 0);
    probe(3000);
    world.setClock(world.now() - 3_600_000);
    probe(3000);
    await world.advance(3000);
    expect(told).toEqual(['ask 0', 'ask -3600000', 'lost -3597000']);
  });

  test('that cannot ask is none', async () => {
    const { world, told, probe } = setUp(0, 0, () => false);
    probe(3000);
    await world.advance(60_000);
    expect(told).toEqual([]);
    expect(world.timers).toBe(0);
  });
});

describe('a timer that comes late', () => {
  test('asks once more, with the same patience, and then gives up', async () => {
    const { world, told } = setUp(10_000, 4000);
    await world.advance(10_000);
    world.sleep(5001);
    await world.advance(0);
    expect(told).toEqual(['ask 10000', 'ask 15001']);
    await world.advance(4000);
    expect(told).toEqual(['ask 10000', 'ask 15001', 'lost 19001']);
  });

  test('by no more than a second is not late', async () => {
    const { world, told } = setUp(10_000, 4000);
    await world.advance(10_000);
    world.sleep(5000);
    await world.advance(0);
    expect(told).toEqual(['ask 10000', 'lost 15000']);
  });

  test('is forgiven anew once an answer has come', async () => {
    const { world, told, heard } = setUp(10_000, 4000);
    for (let nap = 1; nap <= 3; nap += 1) {
      await world.advance(10_000);
      world.sleep(60_000);
      await world.advance(0);
      heard(true);
    }
    expect(told.filter((line) => line.startsWith('ask'))).toHaveLength(6);
    expect(told.filter((line) => line.startsWith('lost'))).toEqual([]);
  });

  test('is forgiven anew once anything has come, an answer or not', async () => {
    const { world, told, heard } = setUp(10_000, 4000);
    await world.advance(10_000);
    world.sleep(60_000);
    await world.advance(0);
    heard(false);
    await world.advance(4000);
    world.sleep(60_000);
    await world.advance(0);
    expect(told).toEqual(['ask 10000', 'ask 70000', 'ask 74000', 'ask 134000']);
  });

  test('a second time in a row is not forgiven', async () => {
    const { world, told } = setUp(10_000, 4000);
    await world.advance(10_000);
    for (let nap = 1; nap <= 2; nap += 1) {
      world.sleep(60_000);
      await world.advance(0);
    }
    expect(told).toEqual(['ask 10000', 'ask 70000', 'lost 130000']);
  });

  test('while nothing is asked only asks', async () => {
    const { world, told } = setUp(10_000, 4000);
    world.sleep(3_600_000);
    await world.advance(3999);
    expect(told).toEqual(['ask 3600000']);
  });
});
