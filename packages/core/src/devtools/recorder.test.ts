import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TwoStageSocket } from '../socket.ts';
import { nothing, rig, settle, v1, v1Ack } from '../testing/fakes.test.util.ts';
import { rigV1 } from '../testing/v1.test.util.ts';
import { recordSocket } from './recorder.ts';
import { type AttemptRecord, maxAttemptRecords, maxRows } from './timeline.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A socket that is watched, whose time is that of the fake world as well. */
function watch(options: Parameters<typeof rig>[0] = {}, showsMessages = false) {
  const r = rig(options);
  const onChange = vi.fn();
  const recorder = recordSocket(r.socket, showsMessages, onChange);
  return { ...r, ...timed(r), onChange, recorder, attempts: () => recorder.getTimeline().attempts };
}

function timed({ world }: Pick<ReturnType<typeof rig>, 'world'>) {
  return {
    async pass(ms: number) {
      vi.setSystemTime(Date.now() + ms);
      await world.advance(ms);
    },
  };
}

const stagesOf = ({ stages }: AttemptRecord) =>
  stages.map(({ status, from, to }) => [status, to === undefined ? undefined : to - from]);

test('an attempt has its stages, and how long each took', async () => {
  const { socket, attempts, pass, last } = watch();
  socket.connect();
  vi.setSystemTime(Date.now() + 12);
  await settle();
  vi.setSystemTime(Date.now() + 30);
  last().accept();
  vi.setSystemTime(Date.now() + 5);
  await settle();
  last().say('authentication successful');
  await pass(1000);
  expect(attempts()).toHaveLength(1);
  expect(stagesOf(attempts()[0] as AttemptRecord)).toEqual([
    ['fetching-token', 12],
    ['connecting', 30],
    ['authenticating', 5],
    ['ready', undefined],
  ]);
  expect(attempts()[0]).toMatchObject({ number: 1, wire: 'original', isHandover: false });
});

test('a failure ends an attempt, and the wait that follows ends with the next', async () => {
  const { dial, attempts, pass, world } = watch({ retry: { minDelay: 0 } });
  world.chance = 0.999;
  const ws = await dial();
  ws.drop();
  const [first] = attempts();
  expect(first).toMatchObject({
    outcome: 'failed',
    failure: { code: 'connect-failed', stage: 'connect', closeCode: 1006, retryable: true },
    rows: [],
  });
  const retryAt = first?.wait?.retryAt ?? 0;
  expect(retryAt - (first?.wait?.from ?? 0)).toBeGreaterThan(1000);
  expect(first?.wait?.to).toBe(undefined);
  await pass(2000);
  expect(attempts()).toHaveLength(2);
  expect(attempts()[0]?.wait?.to).toBeDefined();
  expect(attempts()[0]?.outcome).toBe('failed');
  expect(attempts()[1]).toMatchObject({ number: 2 });
  expect(attempts()[1]?.outcome).toBe(undefined);
});

test.each<[string, (w: ReturnType<typeof watch>) => void, object]>([
  ['close()', ({ socket }) => socket.close(), { outcome: 'closed' }],
  ['reconnect()', ({ socket }) => socket.reconnect(), { outcome: 'started over' }],
  [
    'a 4403',
    ({ last }) => last().drop(4403),
    { outcome: 'gave up', failure: { code: 'forbidden' } },
  ],
  [
    'a loss',
    ({ last }) => last().drop(),
    { outcome: 'failed', failure: { code: 'connection-lost' } },
  ],
])('%s ends a connection as it should', async (_, act, expected) => {
  const watched = watch();
  await watched.become('ready');
  act(watched);
  expect(watched.attempts()[0]).toMatchObject({ ...expected, to: expect.any(Number) });
  expect(stagesOf(watched.attempts()[0] as AttemptRecord).flat()).not.toContain(undefined);
});

test('waiting that is called off says so', async () => {
  const { socket, dial, attempts } = watch();
  (await dial()).drop();
  socket.close();
  expect(attempts()).toMatchObject([{ outcome: 'closed', failure: { code: 'connect-failed' } }]);
  expect(attempts()[0]?.wait?.to).toBeDefined();
});

test('a wait for the network says what it waits for', async () => {
  const { dial, attempts, world } = watch();
  const ws = await dial();
  world.goOffline();
  ws.drop();
  expect(attempts()[0]?.wait).toMatchObject({ until: 'online' });
});

test('a handover is told apart from an attempt', async () => {
  const r = rigV1({ heartbeat: false });
  const recorder = recordSocket(r.socket, false, () => {});
  const first = await r.ready({ expiresIn: undefined });
  first.say({ type: 'going-away', retryAfter: 0, deadline: 5000 });
  await r.world.advance(1000);
  r.last().accept(v1);
  await settle();
  r.last().say(v1Ack);
  expect(recorder.getTimeline().attempts).toMatchObject([
    { isHandover: false, outcome: 'handed over' },
    { isHandover: true, wire: 'two-stage.v1', stages: [{ status: 'ready' }] },
  ]);
});

test('what fails without ending anything is a row, counted by the second', async () => {
  const decode = (frame: unknown) => {
    if (frame === 'broken') throw new TypeError('s3cr3t');
    return [frame];
  };
  const { become, attempts, last } = watch({ codec: { encode: JSON.stringify, decode } });
  await become('ready');
  for (let n = 0; n < 1000; n += 1) last().say('broken');
  expect(attempts()[0]).toMatchObject({
    rows: [
      { kind: 'failure', count: 1000, failure: { code: 'frame-invalid', cause: 'TypeError' } },
    ],
  });
});

test('messages are counted by the second, three of each way described', async () => {
  const { socket, become, last, attempts, pass, recorder } = watch();
  socket.send({ type: 'queued' });
  await become('ready');
  for (let n = 0; n < 10_000; n += 1) last().say({ n });
  socket.send('hello');
  await pass(1000);
  last().say('later');
  const [first, second, ...others] = attempts()[0]?.rows ?? [];
  expect(others).toEqual([]);
  expect(first).toMatchObject({
    counts: { in: 10_000, out: 2, unsent: 0 },
    samples: [
      { direction: 'out', text: 'object { type }' },
      { direction: 'in', text: 'object { n }' },
      { direction: 'in', text: 'object { n }' },
      { direction: 'in', text: 'object { n }' },
      { direction: 'out', text: 'text of 5' },
    ],
  });
  expect(second).toMatchObject({ counts: { in: 1, out: 0, unsent: 0 } });
  expect(recorder.getTimeline().counts).toEqual({ in: 10_001, out: 2, unsent: 0 });
});

test('what is asked for in the middle of a second is not described anew', async () => {
  const { become, last, attempts } = watch();
  await become('ready');
  for (let n = 0; n < 20; n += 1) {
    last().say({ n });
    attempts();
  }
  expect(attempts()[0]?.rows).toMatchObject([{ counts: { in: 20 }, samples: { length: 3 } }]);
});

test('messages that will not be sent are told with the reason', async () => {
  const { socket, dial, attempts } = watch();
  await dial();
  socket.send('never');
  socket.close();
  expect(attempts()[0]).toMatchObject({
    counts: { unsent: 1 },
    rows: [{ samples: [{ direction: 'unsent', text: 'text of 5 (closed)' }] }],
  });
});

test('a socket that is watched late is shown from there on', async () => {
  const r = rig();
  await r.become('ready');
  const { getTimeline } = recordSocket(r.socket, false, () => {});
  expect(getTimeline()).toMatchObject({ status: 'ready', attempts: [{ number: 1 }] });
  r.last().drop();
  expect(getTimeline().attempts).toMatchObject([{ failure: { code: 'connection-lost' } }]);

  const waits = recordSocket(r.socket, false, () => {});
  expect(waits.getTimeline().attempts).toMatchObject([{ wait: { from: Date.now() } }]);
});

test('memory is bounded, however long it goes on', async () => {
  const { become, socket, last, pass, recorder } = watch();
  await become('ready');
  for (let second = 0; second < maxRows + 20; second += 1) {
    last().say('x');
    await pass(1000);
  }
  expect(recorder.getTimeline().attempts[0]?.rows).toHaveLength(maxRows);
  expect(recorder.getTimeline().attempts[0]?.counts.in).toBe(maxRows + 20);
  for (let n = 0; n < maxAttemptRecords + 9; n += 1) socket.reconnect();
  expect(recorder.getTimeline()).toMatchObject({
    attempts: { length: maxAttemptRecords },
    forgotten: 10,
  });
});

test('what is cleared is gone, but for the attempt that goes on', async () => {
  const { become, socket, last, recorder, attempts } = watch();
  await become('ready');
  socket.reconnect();
  await become('ready');
  last().say('x');
  recorder.clear();
  expect(attempts()).toMatchObject([{ number: 1, rows: [], stages: { length: 4 } }]);
  expect(recorder.getTimeline().counts.in).toBe(0);
  socket.close();
  recorder.clear();
  expect(attempts()).toEqual([]);
});

test('watching changes nothing', async () => {
  const act = async (r: ReturnType<typeof rig>) => {
    r.socket.connect();
    r.socket.send('early');
    await r.become('ready');
    r.last().say({ a: 1 });
    r.last().drop();
    await r.become('ready');
    r.socket.close();
    return [r.events, r.leaks(), r.tokenCalls.length];
  };
  const plain = await act(rig());
  const watched = rig();
  const recorder = recordSocket(watched.socket, true, () => {});
  expect(watched.socket.getSnapshot().status).toBe('idle');
  expect(watched.world.timers).toBe(0);
  expect(await act(watched)).toEqual(plain);
  expect(watched.leaks()).toEqual(nothing);
  expect(recorder.getTimeline().attempts.length).toBe(2);
});

test('what has stopped hears nothing more', async () => {
  const { become, recorder, onChange, last, attempts } = watch();
  await become('ready');
  recorder.stop();
  onChange.mockClear();
  last().say('x');
  last().drop();
  expect(onChange).not.toHaveBeenCalled();
  expect(attempts()[0]).toMatchObject({ counts: { in: 0 }, stages: { length: 4 } });
  expect(attempts()[0]?.outcome).toBe(undefined);
});

test('a socket that is watched can be collected', async () => {
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  const start = () => {
    const socket = new TwoStageSocket({ url: 'wss://a.test' });
    return { held: new WeakRef(socket), recorder: recordSocket(socket, false, () => {}) };
  };
  const { held, recorder } = start();
  await new Promise((resolve) => setImmediate(resolve));
  gc();
  expect(held.deref()).toBe(undefined);
  expect(recorder.getTimeline().status).toBe('idle');
});
