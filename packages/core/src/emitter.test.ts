import { afterEach, describe, expect, test, vi } from 'vitest';
import { createEmitter, reportUncaught } from './emitter.ts';

interface Events {
  a: number;
  b: string;
}

const setUp = () => {
  const emitter = createEmitter<Events>();
  const heard: unknown[] = [];
  return { ...emitter, heard, hear: (payload: unknown) => heard.push(payload) };
};

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('an emitter', () => {
  test('tells each listener of its own events, in the order in which they came', () => {
    const { on, emit, heard } = setUp();
    on('a', (n) => heard.push(['first', n]));
    on('a', (n) => heard.push(['second', n]));
    on('b', (s) => heard.push(['b', s]));
    emit('a', 1);
    emit('b', 'x');
    expect(heard).toEqual([
      ['first', 1],
      ['second', 1],
      ['b', 'x'],
    ]);
  });

  test('keeps one function that was added twice apart', () => {
    const { on, emit, heard, hear } = setUp();
    const off = on('a', hear);
    on('a', hear);
    off();
    off();
    emit('a', 1);
    expect(heard).toEqual([1]);
  });

  test('does not tell a listener that another one has just taken off, nor one just added', () => {
    const { on, emit, heard, hear } = setUp();
    on('a', () => {
      off();
      on('a', hear);
    });
    const off = on('a', () => hear('taken off'));
    emit('a', 1);
    expect(heard).toEqual([]);
    emit('a', 2);
    expect(heard).toEqual([2]);
  });

  test('lets everyone hear an event before those that it causes', () => {
    const { on, emit, heard } = setUp();
    on('a', (n) => {
      if (n < 3) emit('a', n + 1);
      emit('b', `after ${n}`);
    });
    on('a', (n) => heard.push(n));
    on('b', (s) => heard.push(s));
    emit('a', 1);
    expect(heard).toEqual([1, 2, 'after 1', 3, 'after 2', 'after 3']);
  });

  test('tells of a batch at its end, even of one that throws', () => {
    const { on, emit, batch, heard, hear } = setUp();
    on('a', hear);
    const failing = () =>
      batch(() => {
        emit('a', 1);
        heard.push('still in the batch');
        throw new Error('oops');
      });
    expect(failing).toThrow('oops');
    expect(heard).toEqual(['still in the batch', 1]);
    emit('a', 2);
    expect(heard).toEqual(['still in the batch', 1, 2]);
  });

  test('takes back what nobody has heard yet, but for one kind', () => {
    const { on, emit, batch, retract, heard, hear } = setUp();
    on('a', hear);
    on('b', hear);
    batch(() => {
      emit('a', 1);
      emit('b', 'kept');
      retract('b');
      emit('a', 2);
    });
    expect(heard).toEqual(['kept', 2]);
  });

  test('goes on after a listener that throws', () => {
    const report = vi.fn();
    vi.stubGlobal('reportError', report);
    const { on, emit, heard, hear } = setUp();
    on('a', () => {
      throw 'oops';
    });
    on('a', hear);
    emit('a', 1);
    emit('a', 2);
    expect(heard).toEqual([1, 2]);
    expect(report.mock.calls).toEqual([['oops'], ['oops']]);
  });
});

test('where the platform has no reportError, the error is thrown from a task of its own', () => {
  vi.stubGlobal('reportError', undefined);
  const tasks: (() => void)[] = [];
  vi.stubGlobal('setTimeout', (task: () => void) => tasks.push(task));
  const error = new Error('oops');
  reportUncaught(error);
  expect(tasks).toHaveLength(1);
  expect(tasks[0]).toThrow(error);
});
