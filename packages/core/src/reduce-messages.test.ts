import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { reduceMessages } from './reduce-messages.ts';
import { rig } from './testing/fakes.test.util.ts';

/** The frames and timers of a page, run by hand. */
function fakePage() {
  const tasks = { frame: new Map<number, () => void>(), timer: new Map<number, () => void>() };
  let id = 0;
  const delays: number[] = [];
  const schedule = (kind: 'frame' | 'timer') => (callback: () => void, ms?: number) => {
    if (ms) delays.push(ms);
    id += 1;
    tasks[kind].set(id, callback);
    return id;
  };
  vi.stubGlobal('setTimeout', schedule('timer'));
  vi.stubGlobal('clearTimeout', (which: number) => tasks.timer.delete(which));
  vi.stubGlobal('requestAnimationFrame', schedule('frame'));
  vi.stubGlobal('cancelAnimationFrame', (which: number) => tasks.frame.delete(which));
  const run = (kind: 'frame' | 'timer') => {
    const due = [...tasks[kind].values()];
    tasks[kind].clear();
    for (const callback of due) callback();
  };
  return { delays, run, left: () => tasks.frame.size + tasks.timer.size };
}

let page: ReturnType<typeof fakePage>;
beforeEach(() => {
  page = fakePage();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

async function setUp() {
  const { socket, become } = rig();
  const ws = await become('ready');
  const sum = (total: number, message: any) => {
    if (message === 'bad') throw new Error('oops');
    return total + Number(message);
  };
  const reduced = reduceMessages(socket, sum, 0);
  const say = (...messages: unknown[]) => {
    for (const message of messages) ws.say(String(message));
  };
  return { reduced, say };
}

describe('reduceMessages', () => {
  test('folds every message, and tells of it once a frame', async () => {
    const { reduced, say } = await setUp();
    const listener = vi.fn();
    reduced.subscribe(listener);
    for (let n = 1; n <= 100; n += 1) say(n);
    expect([reduced.getSnapshot(), listener.mock.calls.length]).toEqual([0, 0]);
    page.run('frame');
    expect([reduced.getSnapshot(), listener.mock.calls.length]).toEqual([5050, 1]);
    say(1);
    page.run('frame');
    expect([reduced.getSnapshot(), listener.mock.calls.length]).toEqual([5051, 2]);
    expect(page.left()).toBe(0);
  });

  test('goes on where no frame comes, in a hidden tab', async () => {
    const { reduced, say } = await setUp();
    const listener = vi.fn();
    reduced.subscribe(listener);
    say(1, 2);
    page.run('timer');
    expect([reduced.getSnapshot(), listener.mock.calls.length]).toEqual([3, 1]);
    expect(page.left()).toBe(0);
  });

  test('waits longer for the late frame of a busy page than for none of a hidden one', async () => {
    const { reduced, say } = await setUp();
    reduced.subscribe(() => {});
    for (const visibilityState of ['visible', 'hidden']) {
      vi.stubGlobal('document', { visibilityState });
      page.delays.length = 0;
      say(1);
      expect(page.delays).toEqual([visibilityState === 'visible' ? 1000 : 100]);
      page.run('frame');
    }
  });

  test('goes on where there are no frames, as on a server', async () => {
    vi.stubGlobal('requestAnimationFrame', undefined);
    vi.stubGlobal('cancelAnimationFrame', undefined);
    const { reduced, say } = await setUp();
    reduced.subscribe(() => {});
    say(1, 2);
    page.run('timer');
    expect(reduced.getSnapshot()).toBe(3);
  });

  test('tells nobody of a value that is the same after all', async () => {
    const { reduced, say } = await setUp();
    const listener = vi.fn();
    reduced.subscribe(listener);
    say(1, -1);
    page.run('frame');
    expect(listener).not.toHaveBeenCalled();
    expect(page.left()).toBe(0);
  });

  test('loses, of a message at which the reducer throws, that message alone', async () => {
    const report = vi.fn();
    vi.stubGlobal('reportError', report);
    const { reduced, say } = await setUp();
    reduced.subscribe(() => {});
    say(1, 'bad', 2);
    page.run('frame');
    expect(reduced.getSnapshot()).toBe(3);
    expect(report.mock.calls).toEqual([[new Error('oops')]]);
  });

  test('tells every listener, the same one twice where it subscribed twice', async () => {
    const { reduced, say } = await setUp();
    const listener = vi.fn();
    const off = reduced.subscribe(listener);
    reduced.subscribe(listener);
    say(1);
    page.run('frame');
    expect(listener).toHaveBeenCalledTimes(2);
    off();
    off();
    say(1);
    page.run('frame');
    expect(listener).toHaveBeenCalledTimes(3);
  });

  test('lets no listener that throws keep the news from another', async () => {
    vi.stubGlobal('reportError', vi.fn());
    const { reduced, say } = await setUp();
    const listener = vi.fn();
    reduced.subscribe(() => {
      throw new Error('oops');
    });
    reduced.subscribe(listener);
    say(1);
    expect(() => page.run('frame')).not.toThrow();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  test('without listeners folds nothing, keeps the value and leaves nothing scheduled', async () => {
    const { reduced, say } = await setUp();
    say(1);
    const off = reduced.subscribe(() => {});
    say(2);
    off();
    expect(reduced.getSnapshot()).toBe(2);
    expect(page.left()).toBe(0);
    say(4);
    reduced.subscribe(() => {});
    say(8);
    page.run('frame');
    expect(reduced.getSnapshot()).toBe(10);
  });
});
