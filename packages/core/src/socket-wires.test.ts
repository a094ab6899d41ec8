import { describe, expect, test, vi } from 'vitest';
import { originalAck, rig, settle, v1, v1Ack } from './testing/fakes.test.util.ts';

const bytes = (...values: number[]) => new Uint8Array(values).buffer;

/** One message a line, so that a frame may hold several. */
const lines = {
  encode: (message: unknown) => `${message}\n`,
  decode: (frame: string | ArrayBuffer) =>
    typeof frame === 'string' ? frame.split('\n').filter(Boolean) : [frame],
};

describe('before the ack', () => {
  test('messages of the server are not messages of the application', async () => {
    const { socket, dial, events } = rig();
    const ws = await dial();
    ws.accept();
    ws.say('welcome');
    await settle();
    ws.say({ type: 'message', data: 'early' });
    ws.say(bytes(1));
    expect(events.filter((event) => event.startsWith('message'))).toEqual([]);
    expect(socket.getSnapshot().status).toBe('authenticating');
    ws.say(originalAck);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('isReady and isRejected hear of them, isReady only of what follows the init payload', async () => {
    const isReady = vi.fn((message: unknown) => message === 'in');
    const isRejected = vi.fn(() => false);
    const payload = { resolve: (_: string) => {} };
    const { socket, dial } = rig({
      isReady,
      isRejected,
      initPayload: () => new Promise<string>((resolve) => (payload.resolve = resolve)),
    });
    const ws = await dial();
    ws.accept();
    ws.say('in');
    expect(socket.getSnapshot().status).toBe('authenticating');
    payload.resolve('jwt');
    await settle();
    ws.say({ step: 2 });
    ws.say('in');
    expect(socket.getSnapshot().status).toBe('ready');
    expect(isReady.mock.calls).toEqual([[{ step: 2 }], ['in']]);
    expect(isRejected.mock.calls).toEqual([['in'], [{ step: 2 }]]);
  });

  test('the server may refuse before the payload has left', async () => {
    const { socket, dial } = rig({
      initPayload: () => new Promise(() => {}),
      isRejected: (message: unknown) => message === 'go away',
    });
    const ws = await dial();
    ws.accept();
    ws.say('go away');
    expect(socket.getSnapshot()).toMatchObject({
      failure: { stage: 'init', code: 'unauthorized' },
    });
  });

  test.each(['isReady', 'isRejected', 'codec'])('%s that throws fails the stage', async (name) => {
    const oops = () => {
      throw new Error('oops');
    };
    const given = name === 'codec' ? { encode: String, decode: oops } : oops;
    const { socket, become } = rig({ [name]: given });
    (await become('authenticating')).say('hello');
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: {
        stage: 'init',
        code: 'init-failed',
        cause: expect.objectContaining({ message: 'oops' }),
      },
    });
  });

  test('without an init stage every message is one of the application', async () => {
    const { dial, events } = rig({ initPayload: undefined });
    const ws = await dial();
    ws.accept();
    ws.say(originalAck);
    expect(events.slice(-2)).toEqual(['ready', `message "${originalAck}"`]);
  });
});

describe('the ack', () => {
  test('and a message in the same tick are both heard', async () => {
    const { become, events } = rig();
    const ws = await become('authenticating');
    ws.say(originalAck);
    ws.say('first');
    expect(events.slice(-3)).toEqual(['state ready', 'ready', 'message "first"']);
  });

  test('and messages in the same frame are all heard', async () => {
    const { become, events } = rig({ codec: lines });
    (await become('authenticating')).say(`hello\n${originalAck}\nfirst\nsecond`);
    expect(events.slice(-4)).toEqual([
      'state ready',
      'ready',
      'message "first"',
      'message "second"',
    ]);
  });

  test('may be binary', async () => {
    const { socket, become } = rig({
      isReady: (message: unknown) => message instanceof ArrayBuffer,
    });
    (await become('authenticating')).say(bytes(1));
    expect(socket.getSnapshot()).toMatchObject({ status: 'ready', wire: 'original' });
  });

  const choices: [string, object, unknown, string][] = [
    ['two-stage.v1 acked as such, unasked', {}, v1Ack, v1],
    ['two-stage.v1 offered and acked as such', { protocols: v1 }, v1Ack, v1],
    ['two-stage.v1 offered, the original ack', { protocols: v1 }, originalAck, 'original'],
    [
      "an application's own ack that looks like two-stage.v1",
      { isReady: (message: any) => message.type === 'ready' },
      v1Ack,
      'original',
    ],
    [
      'the same where two-stage.v1 was offered',
      { isReady: (message: any) => message.type === 'ready', protocols: ['other', v1] },
      v1Ack,
      v1,
    ],
  ];
  test.each(choices)('decides the wire: %s', async (_name, options, ack, wire) => {
    const { socket, become } = rig(options);
    (await become('authenticating')).say(ack);
    expect(socket.getSnapshot()).toMatchObject({ status: 'ready', wire });
  });
});

describe('the original wire', () => {
  const frames: [string | ArrayBuffer, unknown][] = [
    ['hello', 'hello'],
    ['', ''],
    ['{"a":1}', { a: 1 }],
    ['[1,2]', [1, 2]],
    ['{"a":', '{"a":'],
    ['17', '17'],
    ['true', 'true'],
    [originalAck, originalAck],
    ['{"type":"ping"}', { type: 'ping' }],
    [bytes(1, 2), bytes(1, 2)],
  ];
  test.each(frames)('reads %j as %j', async (frame, message) => {
    const { socket, become } = rig();
    const ws = await become('ready');
    const onMessage = vi.fn();
    socket.on('message', onMessage);
    ws.say(frame);
    expect(onMessage.mock.calls).toEqual([[message]]);
    expect(ws.sent).toHaveLength(1);
    expect(ws.binaryType).toBe('arraybuffer');
  });

  const view = new Uint8Array([1, 2]);
  test.each<[unknown, unknown]>([
    ['hello', 'hello'],
    [{ a: 1 }, '{"a":1}'],
    [17, '17'],
    [null, 'null'],
    [view, view],
  ])('writes %j as %j', async (message, frame) => {
    const { socket, become, last } = rig();
    await become('ready');
    expect(socket.send(message)).toBe('sent');
    expect(last().sent.at(-1)).toBe(frame);
  });

  test('what has no JSON is refused to the caller, and nothing is sent or queued', async () => {
    const { socket, become, last } = rig();
    const ring: { self?: unknown } = {};
    ring.self = ring;
    for (const message of [undefined, () => {}, Symbol('s'), 1n, ring]) {
      expect(() => socket.send(message)).toThrow(TypeError);
    }
    await become('ready');
    expect(() => socket.send(undefined)).toThrow(/undefined has no JSON/);
    expect(last().sent).toHaveLength(1);
  });

  test('a frame that the codec cannot read is an error event, and the connection goes on', async () => {
    const oops = new Error('oops');
    const codec = {
      encode: String,
      *decode(frame: string) {
        if (frame === 'good+bad') yield 'good';
        if (frame.includes('bad')) throw oops;
        yield frame;
      },
    };
    const { socket, become, events } = rig({ codec });
    const onError = vi.fn();
    socket.on('error', onError);
    const ws = await become('ready');
    for (const frame of ['bad', 'good+bad', 'fine']) ws.say(frame);
    expect(onError.mock.calls).toMatchObject(
      Array(2).fill([{ stage: 'ready', code: 'frame-invalid', retryable: false, cause: oops }]),
    );
    expect(events.filter((event) => event.startsWith('message'))).toEqual([
      'message "good"',
      'message "fine"',
    ]);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('a codec that fails after its first message closed the socket is not told of', async () => {
    const codec = {
      encode: String,
      *decode(frame: string) {
        yield frame;
        throw new Error('oops');
      },
    };
    const { socket, become, events } = rig({ codec, initPayload: undefined });
    const ws = await become('ready');
    socket.on('message', () => socket.close());
    ws.say('bye');
    expect(events.at(-1)).toBe('close');
  });
});

describe('two-stage.v1', () => {
  const options = { protocols: v1 };

  test('the init payload goes bare, messages in envelopes', async () => {
    const { socket, become, last } = rig(options);
    socket.send({ queued: true });
    await become('ready');
    for (const message of ['hello', '{"a":1}', { a: 1 }, 17, null, [1]]) socket.send(message);
    expect(last().sent).toEqual([
      '{"type":"jwt","token":"jwt-1"}',
      '{"type":"message","data":{"queued":true}}',
      '{"type":"message","data":"hello"}',
      '{"type":"message","data":"{\\"a\\":1}"}',
      '{"type":"message","data":{"a":1}}',
      '{"type":"message","data":17}',
      '{"type":"message","data":null}',
      '{"type":"message","data":[1]}',
    ]);
  });

  const messages: [unknown, unknown[]][] = [
    [{ type: 'message', data: 'hello' }, ['hello']],
    [{ type: 'message', data: '{"a":1}' }, ['{"a":1}']],
    [{ type: 'message', data: { type: 'ping' } }, [{ type: 'ping' }]],
    [{ type: 'message', data: null, more: 'unknown' }, [null]],
    [{ type: 'message' }, [null]],
    [bytes(7), [bytes(7)]],
    [v1Ack, []],
    [{ type: 'pong' }, []],
    [{ type: 'from the future', data: 1 }, []],
  ];
  test.each(messages)('%j is heard as %j', async (frame, heard) => {
    const { socket, become } = rig(options);
    const ws = await become('ready');
    const onMessage = vi.fn();
    socket.on('message', onMessage);
    ws.say(frame);
    expect(onMessage.mock.calls).toEqual(heard.map((message) => [message]));
    expect(socket.getSnapshot().status).toBe('ready');
    expect(ws.sent).toHaveLength(1);
  });

  test('binary is the application’s, both ways', async () => {
    const { socket, become, last } = rig(options);
    await become('ready');
    const view = new Uint8Array([1]);
    socket.send(view);
    expect(last().sent.at(-1)).toBe(view);
  });

  test('a ping is answered', async () => {
    const { become, events } = rig(options);
    const ws = await become('ready');
    const before = events.length;
    ws.say({ type: 'ping' });
    expect(ws.sent.at(-1)).toBe('{"type":"pong"}');
    expect(events.length).toBe(before);
  });

  test.each(['', 'garbage', '{"type":', '{}', '{"type":5}', '[]', 'null', '"message"', '5'])(
    'the frame %j is answered by 4400, and the socket comes back',
    async (frame) => {
      const { socket, become } = rig(options);
      const ws = await become('ready');
      ws.say(frame);
      expect(ws.closedWith?.code).toBe(4400);
      expect(socket.getSnapshot()).toMatchObject({
        status: 'waiting',
        failure: { stage: 'ready', code: 'frame-invalid', retryable: true },
      });
    },
  );

  test('a codec of the application goes inside the envelope', async () => {
    const { socket, become, last, events } = rig({ ...options, codec: lines });
    const ws = await become('ready');
    expect(last().sent).toEqual(['{"type":"jwt","token":"jwt-1"}']);
    socket.send('hello');
    expect(last().sent.at(-1)).toBe('{"type":"message","data":"hello\\n"}');
    ws.say({ type: 'message', data: 'one\ntwo\n' });
    ws.say({ type: 'message', data: { not: 'text' } });
    expect(events.slice(-3)).toEqual(['message "one"', 'message "two"', 'message {"not":"text"}']);
  });

  test('a codec that cannot read what an envelope holds ends nothing', async () => {
    const { socket, become, events } = rig({
      ...options,
      codec: { encode: String, decode: (frame: string) => [JSON.parse(frame)] },
    });
    (await become('ready')).say({ type: 'message', data: '{"not JSON' });
    expect(events.at(-1)).toBe('error frame-invalid');
    expect(socket.getSnapshot().status).toBe('ready');
  });
});

test('an ack that cannot be read fails the stage, and leaves nobody waiting for another', async () => {
  const { socket, dial } = rig({ protocols: v1 });
  const ws = await dial();
  ws.accept(v1);
  await settle();
  // What JSON can hold and no comparison takes.
  ws.say({ type: 'ready', heartbeat: { valueOf: 0, toString: 0 } });
  expect(socket.getSnapshot()).toMatchObject({
    status: 'waiting',
    failure: { stage: 'init', code: 'init-failed' },
  });
  expect(ws.live).toBe(false);
});

test('frames of a connection that the client has let go of are not heard', async () => {
  const { socket, become, events } = rig();
  const old = await become('ready');
  socket.reconnect();
  await become('ready');
  const before = [...events];
  old.say('stale');
  old.drop(4403);
  expect(events).toEqual(before);
  expect(socket.getSnapshot().status).toBe('ready');
});
