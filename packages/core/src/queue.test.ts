import { describe, expect, test } from 'vitest';
import { type Entry, jsonCodec } from './codec.ts';
import { toSettings } from './options.ts';
import { createQueue } from './queue.ts';
import { FakeEnvironment } from './testing/fakes.test.util.ts';

function setUp() {
  const world = new FakeEnvironment();
  const settings = toSettings({ url: '/', environment: world });
  const expired: unknown[] = [];
  const queue = createQueue(settings, (entries) => expired.push(...entries.map(textOf)));
  const limits = { maxMessages: 10, maxBytes: 100, maxAge: 1000, maxBuffered: 0 };
  const push = (text: string, given: Partial<typeof limits> = {}) =>
    queue.push({ message: text, frame: text, codec: jsonCodec }, { ...limits, ...given });
  return { world, queue, expired, push };
}

const textOf = ({ message }: Entry) => message;

describe('a queue', () => {
  test('hands its entries over in order, until one is not taken', () => {
    const { queue, push, world } = setUp();
    for (const text of ['a', 'b', 'c', 'd']) push(text);
    const taken: unknown[] = [];
    const takeUntil = (last: string) => (entry: Entry) => {
      if (entry.message === last) return false;
      taken.push(entry.message);
      return true;
    };
    queue.flush(takeUntil('c'));
    expect([taken, queue.length]).toEqual([['a', 'b'], 2]);
    queue.flush(takeUntil('none'));
    expect([taken, queue.length]).toEqual([['a', 'b', 'c', 'd'], 0]);
    expect(world.timers).toBe(0);
  });

  test('takes nothing that is over a limit, and has room again for what was taken', () => {
    const { queue, push } = setUp();
    expect(push('abcd', { maxBytes: 8 })).toBe(true);
    expect(push('', { maxMessages: 1 })).toBe(false);
    expect(push('e', { maxBytes: 9 })).toBe(false);
    queue.flush(() => true);
    expect(push('abcd', { maxBytes: 8, maxMessages: 1 })).toBe(true);
    expect(queue.clear().map(textOf)).toEqual(['abcd']);
    expect(push('efgh', { maxBytes: 8, maxMessages: 1 })).toBe(true);
  });

  test('gives up each entry at its own age, with one timer for all', async () => {
    const { world, push, expired } = setUp();
    push('a');
    await world.advance(400);
    push('b');
    push('c');
    expect(world.timers).toBe(1);
    await world.advance(600);
    expect(expired).toEqual(['a']);
    await world.advance(399);
    expect(expired).toEqual(['a']);
    await world.advance(1);
    expect(expired).toEqual(['a', 'b', 'c']);
    expect(world.timers).toBe(0);
  });

  test('keeps time with what is oldest after some have left', async () => {
    const { world, queue, push, expired } = setUp();
    push('a');
    await world.advance(900);
    push('b');
    queue.flush(({ message }) => message === 'a');
    await world.advance(999);
    expect(expired).toEqual([]);
    await world.advance(1);
    expect(expired).toEqual(['b']);
  });

  test('goes by the newest maxAge that it was told', async () => {
    const { world, push, expired } = setUp();
    push('a');
    await world.advance(900);
    push('b', { maxAge: 500 });
    await world.advance(100);
    expect(expired).toEqual(['a']);
    await world.advance(400);
    expect(expired).toEqual(['a', 'b']);
  });

  test('waits longer, and loses nothing, when the clock is set back', async () => {
    const { world, push, expired } = setUp();
    push('a');
    world.setClock(world.now() - 5000);
    await world.advance(5999);
    expect(expired).toEqual([]);
    await world.advance(1);
    expect(expired).toEqual(['a']);
  });

  test('cleared, returns everything and keeps no timer', () => {
    const { world, queue, push } = setUp();
    push('a');
    push('b');
    expect(queue.clear().map(textOf)).toEqual(['a', 'b']);
    expect([queue.length, world.timers]).toEqual([0, 0]);
  });

  test.each([
    ['a view', new Uint8Array([9, 1, 2, 9]).subarray(1, 3), [1, 2]],
    ['a data view', new DataView(new Uint8Array([9, 1, 2, 9]).buffer, 1, 2), [1, 2]],
    ['a buffer', new Uint8Array([1, 2]).buffer, [1, 2]],
  ])('keeps %s as it was', (_name, frame, bytes) => {
    const { queue } = setUp();
    queue.push(
      { message: frame, frame, codec: jsonCodec },
      { maxMessages: 1, maxBytes: 2, maxAge: 0, maxBuffered: 0 },
    );
    new Uint8Array(ArrayBuffer.isView(frame) ? frame.buffer : frame).fill(7);
    const sent: number[][] = [];
    queue.flush((entry) => {
      sent.push([...new Uint8Array(entry.frame as ArrayBuffer)]);
      return true;
    });
    expect(sent).toEqual([bytes]);
  });
});
