import { describe, expect, test, vi } from 'vitest';
import { deferred, nothing, rig, settle, waitLeft } from './testing/fakes.test.util.ts';
import type { PayloadContext, Token } from './types.ts';

const is = (type: string) => (message: any) => message?.type === type;

describe('a server that speaks first', () => {
  const challenged = (options: object = {}) =>
    rig({
      isChallenge: is('challenge'),
      isReady: is('in'),
      isRejected: is('out'),
      initPayload: ({ challenge, reason }: PayloadContext) => ({ answer: challenge.nonce, reason }),
      ...options,
    });

  test('is sent the init payload once it has asked, with what it asked in hand', async () => {
    const { socket, become } = challenged();
    const ws = await become('authenticating');
    ws.say({ type: 'welcome' });
    await settle();
    expect(ws.sent).toEqual([]);
    ws.say({ type: 'challenge', nonce: 7 });
    await settle();
    expect(ws.sent).toEqual(['{"answer":7,"reason":"start"}']);
    ws.say({ type: 'in' });
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('is not believed before it has been answered', async () => {
    const payload = deferred<string>();
    const { socket, become } = challenged({ initPayload: () => payload.promise });
    const ws = await become('authenticating');
    ws.say({ type: 'in' });
    ws.say({ type: 'challenge' });
    ws.say({ type: 'in' });
    await settle();
    expect(socket.getSnapshot().status).toBe('authenticating');
    payload.resolve('answer');
    await settle();
    ws.say({ type: 'in' });
    expect([ws.sent, socket.getSnapshot().status]).toEqual([['answer'], 'ready']);
  });

  test('may ask more than once', async () => {
    const { become } = challenged();
    const ws = await become('authenticating');
    ws.say({ type: 'challenge', nonce: 1 });
    await settle();
    ws.say({ type: 'challenge', nonce: 2 });
    await settle();
    expect(ws.sent.map((frame) => JSON.parse(String(frame)).answer)).toEqual([1, 2]);
  });

  test('may say with its challenge that all is well: ready once the payload has left', async () => {
    const payload = deferred<string>();
    const { socket, become, events } = challenged({
      isReady: is('challenge'),
      initPayload: () => payload.promise,
    });
    const ws = await become('authenticating');
    socket.send('queued');
    ws.say({ type: 'challenge' });
    await settle();
    expect(socket.getSnapshot().status).toBe('authenticating');
    payload.resolve('echo');
    await settle();
    expect(ws.sent).toEqual(['echo', 'queued']);
    expect(events.slice(-2)).toEqual(['state ready', 'ready']);
  });

  test('may refuse before it has asked', async () => {
    const { socket, become } = challenged();
    (await become('authenticating')).say({ type: 'out' });
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { stage: 'init', code: 'unauthorized' },
    });
  });

  test('that never asks is given up within the time of the stage, and costs no payload', async () => {
    const initPayload = vi.fn(() => 'jwt');
    const { socket, world, become } = challenged({ initPayload });
    await become('authenticating');
    await world.advance(10_000);
    expect(socket.getSnapshot()).toMatchObject({
      failure: { stage: 'init', code: 'init-timeout' },
    });
    expect(initPayload).not.toHaveBeenCalled();
  });

  test('has its challenge answered by an app that fails: so does the stage', async () => {
    const { socket, become } = challenged({ initPayload: () => Promise.reject({ status: 401 }) });
    (await become('authenticating')).say({ type: 'challenge' });
    await settle();
    expect(socket.getSnapshot()).toMatchObject({
      status: 'closed',
      failure: { stage: 'init', code: 'unauthorized', status: 401 },
    });
  });

  test('and a close while the answer is made leave nothing behind', async () => {
    const payload = deferred<string>();
    const { socket, become, leaks } = challenged({ initPayload: () => payload.promise });
    const ws = await become('authenticating');
    ws.say({ type: 'challenge' });
    socket.close();
    payload.resolve('late');
    await settle();
    expect([ws.sent, leaks()]).toEqual([[], nothing]);
  });
});

describe('a server that is ready by its own word', () => {
  test('is waited for, and what follows in the same frame is not lost', async () => {
    const { socket, dial, events } = rig({
      initPayload: undefined,
      isReady: (message: unknown) => message === 'hello',
      codec: { encode: String, decode: (frame: string) => frame.split('\n') },
    });
    const ws = await dial();
    socket.send('queued');
    ws.accept();
    expect([socket.getSnapshot().status, ws.sent]).toEqual(['authenticating', []]);
    ws.say('hello\nfirst');
    expect(events.slice(-3)).toEqual(['state ready', 'ready', 'message "first"']);
    expect(ws.sent).toEqual(['queued']);
  });

  test('that says nothing is given up within the time of the stage', async () => {
    const { socket, world, dial } = rig({ initPayload: undefined, isReady: is('hello') });
    (await dial()).accept();
    await world.advance(10_000);
    expect(socket.getSnapshot()).toMatchObject({
      failure: { stage: 'init', code: 'init-timeout' },
    });
  });
});

describe('a token that brings its URL', () => {
  const fly = { url: 'wss://fly.test/link?ticket=t-1' };

  test('needs no url of the app’s, and nothing is added to it', async () => {
    const { dial } = rig({ url: undefined, getToken: () => fly });
    expect((await dial()).url).toBe(fly.url);
  });

  test('has it in place of the app’s, and is the token that the next call is told of', async () => {
    const told: (Token | undefined)[] = [];
    const url = vi.fn();
    const { dial, last } = rig({
      url,
      tokenIn: () => 'wss://elsewhere.test',
      getToken: ({ previous }: { previous: Token | undefined }) => {
        told.push(previous);
        return { ...fly, expiresIn: 60_000, room: 'r' };
      },
    });
    await dial();
    last().drop();
    expect((await dial()).url).toBe(fly.url);
    expect(url).not.toHaveBeenCalled();
    expect(told).toEqual([undefined, { ...fly, token: fly.url, expiresIn: 60_000, room: 'r' }]);
  });

  test('may have both, and then the URL is complete', async () => {
    const { dial } = rig({ getToken: () => ({ ...fly, token: 't-1' }) });
    expect((await dial()).url).toBe(fly.url);
  });

  test('is missed where there is no other, which the failure says', async () => {
    const { socket } = rig({ url: undefined, getToken: () => 't-1' });
    socket.connect();
    await settle();
    expect(socket.getSnapshot()).toMatchObject({
      failure: { stage: 'token', code: 'token-failed', cause: expect.any(TypeError) },
    });
    expect(String((socket.getSnapshot() as any).failure.cause)).toContain('no url');
  });

  test('that is none is refused without being told', async () => {
    const { socket } = rig({ url: undefined, getToken: () => ({ url: 'link?ticket=s3cr3t' }) });
    socket.connect();
    await settle();
    const { failure } = socket.getSnapshot() as any;
    expect(failure).toMatchObject({ stage: 'connect', code: 'address-refused' });
    expect(String(failure) + JSON.stringify(failure)).not.toContain('s3cr3t');
  });
});

describe('a ping of the server’s', () => {
  const pong = (message: any) => (message?.ping ? { pong: message.ping } : undefined);

  test('is answered by heartbeat.pong, and is no message', async () => {
    const { become, events } = rig({ heartbeat: { pong } });
    const ws = await become('ready');
    ws.say({ ping: 1 });
    ws.say({ chat: 'hi' });
    expect(ws.sent.slice(1)).toEqual(['{"pong":1}']);
    expect(events.slice(-1)).toEqual(['message {"chat":"hi"}']);
  });

  test('is a message where heartbeat is off', async () => {
    const { become, events } = rig({ heartbeat: false });
    (await become('ready')).say({ ping: 1 });
    expect(events.at(-1)).toBe('message {"ping":1}');
  });

  test('with a pong that cannot be made is trouble, and the connection goes on', async () => {
    const { socket, become, events } = rig({
      heartbeat: {
        pong() {
          throw new Error('oops');
        },
      },
    });
    (await become('ready')).say({ ping: 1 });
    expect(events.at(-1)).toBe('error frame-invalid');
    expect(socket.getSnapshot().status).toBe('ready');
  });
});

describe('a payload that lives for as long as expiresIn makes of the ack', () => {
  const renewing = (options: object = {}) =>
    rig({
      isReady: is('ok'),
      isRejected: is('no'),
      expiresIn: ({ ttl }: { ttl: number }) => ttl * 1000,
      initPayload: ({ reason }: PayloadContext) => ({ auth: reason }),
      heartbeat: false,
      ...options,
    });
  const ready = async (rigged: ReturnType<typeof renewing>, ttl = 100) => {
    const ws = await rigged.become('authenticating');
    ws.say({ type: 'ok', ttl });
    return ws;
  };

  test('is renewed in place, and its ack is no message', async () => {
    const rigged = renewing();
    const { world, events, dialled, tokenCalls } = rigged;
    world.chance = 0;
    const ws = await ready(rigged);
    const told = events.length;
    await world.advance(70_000);
    expect(ws.sent).toEqual(['{"auth":"start"}', '{"auth":"renew"}']);
    ws.say({ type: 'ok', ttl: 1000 });
    await world.advance(900_000);
    expect(ws.sent).toHaveLength(2);
    expect([events.length, dialled.length, tokenCalls.length]).toEqual([told, 1, 1]);
  });

  test('is renewed at once where the app wants it', async () => {
    const rigged = renewing();
    const ws = await ready(rigged);
    const renewed = rigged.socket.renew();
    await settle();
    ws.say({ type: 'chat' });
    expect(rigged.events.at(-1)).toBe('message {"type":"chat"}');
    ws.say({ type: 'ok', ttl: 5 });
    await expect(renewed).resolves.toBeUndefined();
  });

  test('is for ever where it makes nothing of the ack', async () => {
    const rigged = renewing({ expiresIn: () => undefined });
    const ws = await ready(rigged);
    await rigged.world.advance(1e9);
    expect(ws.sent).toHaveLength(1);
  });

  test('and is refused ends the connection, and comes back with fresh credentials', async () => {
    const rigged = renewing();
    const { socket, world, tokenCalls } = rigged;
    const ws = await ready(rigged);
    socket.renew();
    await settle();
    ws.say({ type: 'no' });
    expect(socket.getSnapshot()).toMatchObject({
      status: 'waiting',
      failure: { stage: 'ready', code: 'unauthorized' },
    });
    await world.advance(waitLeft(socket, world));
    expect(tokenCalls).toHaveLength(2);
  });

  test('and is not answered ends it too', async () => {
    const rigged = renewing();
    await ready(rigged);
    rigged.socket.renew();
    await rigged.world.advance(10_000);
    expect(rigged.socket.getSnapshot()).toMatchObject({
      failure: { stage: 'ready', code: 'renew-timeout' },
    });
  });

  test('leaves messages that look like acks to the application while none is under way', async () => {
    const rigged = renewing();
    const ws = await ready(rigged);
    ws.say({ type: 'ok', ttl: 1 });
    ws.say({ type: 'no' });
    expect(rigged.events.slice(-2)).toEqual([
      'message {"type":"ok","ttl":1}',
      'message {"type":"no"}',
    ]);
  });

  test('by an expiresIn that throws fails the stage', async () => {
    const rigged = renewing({
      expiresIn() {
        throw new Error('oops');
      },
    });
    await ready(rigged);
    expect(rigged.socket.getSnapshot()).toMatchObject({
      failure: { stage: 'init', code: 'init-failed' },
    });
  });
});

describe('what came in place of the ack', () => {
  const token = 'eyJhbGciOiJIUzI1NiJ9.s3cr3t';
  test.each<[unknown, string]>([
    [{ type: 'error', message: token }, '{type,message}'],
    [{ [token]: 1, id: 2 }, '{id}'],
    [[token, token], 'object of 2'],
    [token, `string of ${token.length}`],
    [new Uint8Array(3).buffer, 'object of 3'],
    ['null', '{}'],
    ['8675309', 'number'],
    ['true', 'boolean'],
  ])('is told by its shape: %j as %s', async (said, shape) => {
    const { socket, world, become } = rig({
      codec: {
        encode: JSON.stringify,
        decode: (frame: any) => {
          try {
            return [JSON.parse(frame)];
          } catch {
            return [frame];
          }
        },
      },
    });
    (await become('authenticating')).say(said);
    await world.advance(10_000);
    const { failure } = socket.getSnapshot() as any;
    expect(failure).toMatchObject({ stage: 'init', code: 'init-timeout', received: shape });
    expect(failure.message).toContain(`init-timeout (stage init, after ${shape}): `);
    expect(failure.message + JSON.stringify(failure)).not.toContain('s3cr3t');
    expect(failure.message + JSON.stringify(failure)).not.toContain('8675309');
  });

  test('is told of a frame, too, that the codec makes nothing of', async () => {
    const { socket, become } = rig({ codec: { encode: String, decode: () => [] } });
    const ws = await become('authenticating');
    ws.say('half a mess');
    ws.drop(1000);
    expect(socket.getSnapshot()).toMatchObject({
      failure: { code: 'init-dropped', closeCode: 1000, received: 'string of 11' },
    });
  });

  test('is nothing where nothing came, and is forgotten with the ack', async () => {
    const { socket, world, become } = rig();
    const first = await become('authenticating');
    await world.advance(10_000);
    expect((socket.getSnapshot() as any).failure.received).toBeUndefined();
    expect(first.live).toBe(false);
    const second = await become('authenticating');
    second.say({ type: 'welcome' });
    second.say('authentication successful');
    second.drop();
    const { failure } = socket.getSnapshot() as any;
    expect([failure.code, failure.received]).toEqual(['connection-lost', undefined]);
  });
});
