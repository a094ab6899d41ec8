import { describe, expect, test } from 'vitest';
import {
  type FakeWebSocket,
  never,
  originalAck,
  rig,
  settle,
  v1,
} from './testing/fakes.test.util.ts';

const unsent = (events: string[]) => events.filter((event) => event.startsWith('unsent'));

describe('send()', () => {
  test('queues in every state before ready, sends in order at ready, refuses once closed', async () => {
    const { socket, dial, become, last } = rig();
    const answers: string[] = [];
    const send = () => answers.push(socket.send(`${answers.length}`));
    send(); // idle
    socket.connect();
    send(); // fetching-token
    const first = await dial();
    send(); // connecting
    first.accept();
    await settle();
    send(); // authenticating
    first.drop(1012);
    send(); // waiting
    await become('ready');
    send(); // ready
    socket.close();
    send(); // closed
    expect(answers).toEqual([...Array(5).fill('queued'), 'sent', 'refused']);
    expect(last().sent.slice(1)).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  test.each(['connecting', 'open', 'authenticating'])(
    'queues even the first message where the socket is %s, and so keeps it from overtaking the ack',
    async (state) => {
      const { socket, dial, last } = rig(state === 'open' ? { initPayload: () => never() } : {});
      const ws = await dial();
      if (state !== 'connecting') ws.accept();
      await settle();
      const before = [...ws.sent];
      expect(socket.send('early')).toBe('queued');
      expect(last().sent).toEqual(before);
    },
  );

  test('queues what would be lost in a socket that is closing', async () => {
    const { socket, become, last } = rig();
    const ws = await become('ready');
    ws.readyState = 2;
    expect(socket.send('late')).toBe('queued');
    ws.drop();
    await become('ready');
    expect(last().sent.slice(1)).toEqual(['late']);
  });

  test('reads the message now: changing it later changes nothing', async () => {
    const { socket, become, last } = rig();
    const object = { n: 1 };
    const view = new Uint8Array([0, 1, 2, 3]).subarray(1, 3);
    const buffer = new Uint8Array([1]).buffer;
    for (const message of [object, view, buffer]) socket.send(message);
    object.n = 9;
    view[0] = 9;
    new Uint8Array(buffer)[0] = 9;
    await become('ready');
    const [, json, ...binary] = last().sent;
    expect(json).toBe('{"n":1}');
    expect(binary.map((frame) => [...new Uint8Array(frame)])).toEqual([[1, 2], [1]]);
  });

  test.each(['open', 'closed'])(
    'refuses a message whose encoder has let in another user, of a socket that was %s',
    async (state) => {
      let user = 'ada';
      const encode = (message: string) => {
        if (message === 'of ada' && user === 'ada') {
          user = 'bob';
          socket.close();
          socket.connect();
        }
        return message;
      };
      const codec = { encode, decode: (frame: unknown) => [frame] };
      const { socket, become, events } = rig({ codec, initPayload: 'jwt' });
      socket.connect();
      if (state === 'closed') socket.close();
      expect(socket.send('of ada')).toBe('refused');
      const ws = await become('ready');
      expect([user, ws.sent, unsent(events)]).toEqual(['bob', ['jwt'], []]);
    },
  );

  test('with queue: false, refuses what cannot be sent now', async () => {
    const { socket, become, last, events } = rig({ queue: false });
    expect(socket.send('1')).toBe('refused');
    await become('ready');
    last().bufferedAmount = 1e9;
    expect(socket.send('2')).toBe('sent');
    expect(last().sent.slice(1)).toEqual(['2']);
    expect(unsent(events)).toEqual([]);
  });
});

describe('the queue', () => {
  test('refuses more than maxMessages to the caller', () => {
    const { socket, events } = rig({ queue: { maxMessages: 2 } });
    expect(['a', 'b', 'c'].map(socket.send)).toEqual(['queued', 'queued', 'refused']);
    expect(unsent(events)).toEqual([]);
  });

  const sizes: [string, unknown, number][] = [
    ['two bytes a character', 'abcd', 8],
    ['the length of a view', new Uint8Array(8), 8],
    ['the length of a buffer', new ArrayBuffer(8), 8],
    ['the size of a blob', new Blob(['abcdefgh']), 8],
    ['the JSON of an object', { a: 1 }, 14],
  ];
  test.each(sizes)('counts maxBytes by %s', (_name, message, size) => {
    const fill = (maxBytes: number) => rig({ queue: { maxBytes } }).socket.send(message);
    expect(fill(size)).toBe('queued');
    expect(fill(size - 1)).toBe('refused');
  });

  test('has room again for what has left it', async () => {
    const { socket, become } = rig({ queue: { maxBytes: 8, maxMessages: 1 } });
    for (let n = 1; n <= 3; n += 1) {
      expect(socket.send('abcd')).toBe('queued');
      expect(socket.send('e')).toBe('refused');
      (await become('ready')).drop();
    }
  });

  test('holds 1000 messages and 1 MiB unless said otherwise', () => {
    const many = rig().socket;
    for (let n = 1; n <= 1000; n += 1) expect(many.send('')).toBe('queued');
    expect(many.send('')).toBe('refused');
    expect(rig().socket.send('x'.repeat(524_288))).toBe('queued');
    expect(rig().socket.send('x'.repeat(524_289))).toBe('refused');
  });

  test('reports each message that has waited for maxAge, and keeps the younger', async () => {
    const { socket, world, become, last, events } = rig({ queue: { maxAge: 5000 } });
    socket.send('a');
    socket.send('b');
    await world.advance(2000);
    socket.send('c');
    await world.advance(2999);
    expect(unsent(events)).toEqual([]);
    await world.advance(1);
    expect(unsent(events)).toEqual(['unsent "a" expired', 'unsent "b" expired']);
    await become('ready');
    expect(last().sent.slice(1)).toEqual(['c']);
    await world.advance(60_000);
    expect(unsent(events)).toHaveLength(2);
  });

  test('lets messages wait for a minute unless said otherwise, for ever with maxAge: 0', async () => {
    for (const [maxAge, expired] of [
      [undefined, 1],
      [0, 0],
    ]) {
      const { socket, world, events } = rig({ queue: { maxAge } });
      socket.send('a');
      await world.advance(59_999);
      expect(unsent(events)).toEqual([]);
      await world.advance(3_600_000);
      expect(unsent(events)).toHaveLength(expired as number);
    }
  });

  test('reports all that has expired before the close that a listener makes of it', async () => {
    const { socket, world, events } = rig();
    socket.on('unsent', () => socket.close());
    socket.send('a');
    socket.send('b');
    await world.advance(60_000);
    expect(events).toEqual(['unsent "a" expired', 'unsent "b" expired', 'state closed', 'close']);
  });

  test('tells of expiry the original message, not its frame', async () => {
    const { socket, world } = rig();
    const message = { n: 1 };
    const told: unknown[] = [];
    socket.on('unsent', (event) => told.push(event.message));
    socket.send(message);
    await world.advance(60_000);
    expect(told[0]).toBe(message);
  });

  test('is kept over losses and reconnect(), and leaves no timer once it is empty', async () => {
    const { socket, world, dial, become, last } = rig({ timeouts: { connect: 0 } });
    socket.send('a');
    (await dial()).drop();
    socket.reconnect();
    await become('ready');
    expect(last().sent.slice(1)).toEqual(['a']);
    expect(world.timers).toBe(0);
  });

  test('is emptied by close() from idle too, each message reported', () => {
    const { socket, events, world } = rig();
    socket.send('a');
    socket.send({ b: 1 });
    socket.close();
    expect(events).toEqual(['state closed', 'unsent "a" closed', 'unsent {"b":1} closed', 'close']);
    expect(world.timers).toBe(0);
  });

  test('is emptied by the grace period and by a final failure', async () => {
    const retained = rig({ url: () => new Promise(() => {}) });
    const release = retained.socket.retain();
    retained.socket.send('a');
    release();
    await retained.world.advance(1000);
    expect(unsent(retained.events)).toEqual(['unsent "a" closed']);

    const failed = rig();
    failed.socket.send('b');
    (await failed.become('authenticating')).drop(4400);
    expect(unsent(failed.events)).toEqual(['unsent "b" closed']);
  });
});

describe('a WebSocket that does not drain', () => {
  const full = { queue: { maxBuffered: 1000 } };

  test('is sent no more above maxBuffered; what waits goes, in order, when it has drained', async () => {
    const { socket, world, become, events } = rig(full);
    const told: unknown[] = [];
    socket.on('sent', (message) => told.push(message));
    const ws = await become('ready');
    ws.bufferedAmount = 1000;
    expect(socket.send('a')).toBe('sent');
    ws.bufferedAmount = 1001;
    expect(socket.send('b')).toBe('queued');
    await world.advance(1000);
    expect(ws.sent.slice(1)).toEqual(['a']);
    expect(told).toEqual(['a']);
    ws.bufferedAmount = 0;
    expect(socket.send('c')).toBe('queued');
    expect(ws.sent.slice(1)).toEqual(['a', 'b', 'c']);
    ws.bufferedAmount = 1001;
    socket.send('d');
    ws.bufferedAmount = 0;
    await world.advance(50);
    expect(ws.sent.slice(1)).toEqual(['a', 'b', 'c', 'd']);
    expect(told).toEqual(['a', 'b', 'c', 'd']);
    expect(world.timers).toBe(0);
    expect(unsent(events)).toEqual([]);
  });

  test('takes part of the queue and the rest later', async () => {
    const { socket, world, dial } = rig(full);
    for (const message of ['a', 'b', 'c']) socket.send(message);
    const ws = await dial();
    const send = ws.send;
    ws.send = (frame) => {
      send.call(ws, frame);
      if (frame === 'b') ws.bufferedAmount = 2000;
    };
    ws.accept();
    await settle();
    ws.say('authentication successful');
    expect(ws.sent.slice(1)).toEqual(['a', 'b']);
    ws.bufferedAmount = 0;
    await world.advance(50);
    expect(ws.sent.slice(1)).toEqual(['a', 'b', 'c']);
  });

  test('is lost: the rest goes out on the next connection, nothing twice', async () => {
    const { socket, become, dialled, leaks } = rig({ ...full, protocols: v1 });
    const ws = await become('ready');
    socket.send('a');
    ws.bufferedAmount = 2000;
    socket.send('b');
    ws.drop();
    expect(leaks().timers).toBe(2);
    await become('ready');
    expect(dialled.map(({ sent }) => sent.slice(1))).toEqual([
      ['{"type":"message","data":"a"}'],
      ['{"type":"message","data":"b"}'],
    ]);
  });
});

describe('a frame that the WebSocket will not take', () => {
  const refuse = (ws: FakeWebSocket) => {
    const send = ws.send.bind(ws);
    ws.send = (frame) => {
      if (frame === 'bad') throw new TypeError('no such frame');
      send(frame);
    };
  };

  test('is reported unsent when it was queued, and keeps nothing else from its turn', async () => {
    const { socket, dial, events } = rig();
    for (const message of ['a', 'bad', 'b']) socket.send(message);
    const ws = await dial();
    refuse(ws);
    ws.accept();
    await settle();
    ws.say(originalAck);
    expect(ws.sent.slice(1)).toEqual(['a', 'b']);
    expect(unsent(events)).toEqual(['unsent "bad" refused']);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('is told once, though who hears of it closes the socket', async () => {
    const { socket, world, become, last, events } = rig();
    refuse(await become('ready'));
    last().bufferedAmount = 1e9;
    for (const message of ['a', 'bad', 'b']) socket.send(message);
    socket.on('unsent', () => socket.close());
    last().bufferedAmount = 0;
    await world.advance(50);
    expect(last().sent.slice(1)).toEqual(['a', 'b']);
    expect(unsent(events)).toEqual(['unsent "bad" refused']);
  });

  test('throws where it is sent at once', async () => {
    const { socket, become } = rig();
    refuse(await become('ready'));
    expect(() => socket.send('bad')).toThrow('no such frame');
    expect(socket.send('good')).toBe('sent');
  });
});

test('the event sent tells of each message once it has left, in order, and of nothing else', async () => {
  const { socket, become } = rig({ protocols: v1 });
  const sent: unknown[] = [];
  socket.on('sent', (message) => sent.push(message));
  socket.send('queued');
  expect(sent).toEqual([]);
  const ws = await become('ready');
  expect(socket.send({ n: 2 })).toBe('sent');
  ws.say({ type: 'ping' });
  expect(sent).toEqual(['queued', { n: 2 }]);
});

test('what has left is told as sent even where who hears of ready closes the socket', async () => {
  const { socket, become, events } = rig();
  const told: unknown[] = [];
  socket.on('sent', (message) => told.push(message));
  socket.on('statechange', ({ status }) => status === 'ready' && socket.close());
  socket.send('queued');
  const ws = await become('ready');
  expect(ws.sent.at(-1)).toBe('queued');
  expect(told).toEqual(['queued']);
  expect(unsent(events)).toEqual([]);
});
