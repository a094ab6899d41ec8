import { describe, expect, test, vi } from 'vitest';
import { TwoStageSocket } from './socket.ts';
import { createFakeServer, type FakeServerOptions, settle } from './testing.ts';
import { createWebSocket } from './websocket.ts';

/** A socket that has been told to connect, its server, and what was delivered. */
function connect(options: FakeServerOptions<any, any> = {}) {
  const server = createFakeServer<any, any>(options);
  const socket = new TwoStageSocket<any, any>(server.options);
  const received: unknown[] = [];
  socket.on('message', (message) => received.push(message));
  socket.connect();
  const state = () => socket.getSnapshot();
  return { server, socket, received, state };
}

const wires = ['original', 'two-stage.v1'] as const;

describe.each(wires)('on %s', (wire) => {
  test('both stages are gone through step by step', async () => {
    const { server, state } = connect({ wire });
    const release = server.holdTokens();
    await settle();
    expect(state().status).toBe('fetching-token');
    release();
    const upgrade = await server.upgrade();
    expect([upgrade.status, state().status]).toEqual(['connecting', 'connecting']);
    expect(upgrade).toMatchObject({
      id: 1,
      token: 'token-1',
      url: 'wss://fake.test/?token=token-1',
    });
    upgrade.accept();
    expect(await upgrade.init()).toEqual({ type: 'jwt', token: 'jwt-1' });
    expect([upgrade.status, state().status]).toEqual(['authenticating', 'authenticating']);
    upgrade.ack();
    expect(upgrade.status).toBe('ready');
    expect(state()).toMatchObject({ status: 'ready', wire });
    expect(upgrade.wire).toBe(wire);
  });

  test('both stages are gone through at once, and messages go both ways', async () => {
    const { server, socket, received } = connect({ wire });
    const connection = await server.admit();
    for (const message of ['hi', { n: 1 }, [2], null]) {
      server.say(message);
      socket.send(message);
    }
    const inJson = (message: unknown) =>
      wire === 'original' && message === null ? 'null' : message;
    const expected = ['hi', { n: 1 }, [2], inJson(null)];
    expect(received).toEqual(expected);
    expect(server.messages).toEqual(expected);
    expect(connection.messages).toEqual(expected);
    expect(connection.frames).toHaveLength(5);
  });

  test('binary goes as it is, and is not shared', async () => {
    const { server, socket, received } = connect({ wire });
    await server.admit();
    const bytes = Uint8Array.of(0, 1, 2, 3).subarray(1, 3);
    server.say(bytes);
    socket.send(bytes);
    bytes[0] = 9;
    for (const [heard] of [received, server.messages]) {
      expect(heard).toBeInstanceOf(ArrayBuffer);
      expect([...new Uint8Array(heard as ArrayBuffer)]).toEqual([1, 2]);
    }
    expect(() => server.say(new Blob(['x']))).toThrow('not Blobs');
  });

  test('a server that acts by itself is ready without more, and answers', async () => {
    const { server, socket, received } = connect({
      wire,
      auto: true,
      onMessage: (message, connection) => connection.say(`echo: ${message}`),
    });
    await socket.ready();
    socket.send('hi');
    expect(received).toEqual([]);
    await settle();
    expect(received).toEqual(['echo: hi']);
    expect(await server.nextMessage()).toBe('hi');
    const next = server.nextMessage();
    socket.send('again');
    expect(await next).toBe('again');
    socket.send('at last');
    expect(await server.nextMessage()).toBe('at last');
  });

  test('a codec of the app’s is spoken', async () => {
    const codec = {
      encode: (message: unknown) => new TextEncoder().encode(JSON.stringify([message])),
      decode: (frame: string | ArrayBuffer): Iterable<unknown> =>
        typeof frame === 'string' ? [frame] : JSON.parse(new TextDecoder().decode(frame)),
    };
    const { server, socket, received } = connect({ wire, codec });
    const connection = await server.admit();
    expect(connection.initPayload).toEqual({ type: 'jwt', token: 'jwt-1' });
    socket.send({ n: 1 });
    server.say({ n: 2 });
    expect([server.messages, received]).toEqual([[{ n: 1 }], [{ n: 2 }]]);
  });

  test('what was queued reaches the server behind the ack, in order', async () => {
    const { server, socket } = connect({ wire });
    socket.send('a');
    socket.send('b');
    await server.admit();
    expect(server.messages).toEqual(['a', 'b']);
  });

  test('a client that does not wait for the ack is heard once it is there, in order', async () => {
    const { server } = connect({ wire });
    const upgrade = await server.upgrade();
    const protocols = wire === 'original' ? [] : [wire];
    const ws = new server.options.WebSocket('wss://fake.test/', protocols);
    const other = server.last();
    other.accept();
    ws.send('{"type":"jwt","token":"a"}');
    ws.send('{"type":"message","data":1}');
    expect(other.messages).toEqual([]);
    ws.onmessage = () => ws.send('{"type":"message","data":2}');
    other.ack();
    const data = [1, 2];
    expect(other.messages).toEqual(
      wire === 'original' ? data.map((n) => ({ type: 'message', data: n })) : data,
    );
    expect(upgrade.status).toBe('connecting');
  });

  test.each([
    ['drop', (s: any) => s.drop(), { code: 'connection-lost', closeCode: 1006 }],
    ['close', (s: any) => s.close(4403), { code: 'forbidden', closeCode: 4403 }],
    [
      'close, with a delay',
      (s: any) => s.close(1012, { reason: 'restarting', retryAfter: 5000 }),
      { code: 'server-busy', closeCode: 1012, retryAfter: 5000 },
    ],
  ])('%s is seen by the client', async (_, act, failure) => {
    const { server, state } = connect({ wire });
    await server.admit();
    act(server);
    expect(state()).toMatchObject({ failure });
    expect(server.last().end).toMatchObject({ by: 'server', code: failure.closeCode });
    expect(server.live()).toEqual([]);
  });

  test('an init payload may be refused', async () => {
    const { server, state } = connect({ wire });
    const upgrade = await server.upgrade();
    upgrade.accept();
    await upgrade.init();
    upgrade.reject(4403);
    const code = wire === 'original' ? 'init-dropped' : 'forbidden';
    expect(state()).toMatchObject({ failure: { stage: 'init', code } });
  });

  test('verify judges init payloads', async () => {
    const verify = vi.fn(async ({ token }) => token === 'jwt-2');
    const { server, socket } = connect({ wire, auto: true, verify });
    const ready = socket.ready();
    await server.advance(60_000);
    await ready;
    expect(verify.mock.calls.map(([{ token }]) => token)).toEqual(['jwt-1', 'jwt-2']);
    expect(server.connections.map(({ end }) => end?.code)).toEqual([
      wire === 'original' ? 1006 : 4401,
      undefined,
    ]);
  });
});

describe('the token stage', () => {
  test('tells what getToken was told', async () => {
    const { server } = connect();
    await server.admit();
    server.drop();
    await server.advance(2000);
    await server.admit();
    expect(server.tokenRequests.map(({ reason, attempt }) => [reason, attempt])).toEqual([
      ['start', 1],
      ['connection-lost', 2],
    ]);
    expect(server.tokenRequests[1]?.previous).toMatchObject({ token: 'token-1' });
  });

  test('refuses once, as a token route does', async () => {
    const { server, state } = connect();
    server.refuseToken({ status: 503, retryAfter: 5000 });
    await settle();
    expect(state()).toMatchObject({
      status: 'waiting',
      failure: { code: 'token-failed', status: 503, retryAfter: 5000 },
    });
    await server.advance(6000);
    await server.admit();
    expect(state().status).toBe('ready');
  });

  test('refuses with 401 unless it is told otherwise', async () => {
    const { server, state } = connect();
    server.refuseToken();
    await settle();
    expect(state()).toMatchObject({ status: 'closed', failure: { code: 'unauthorized' } });
  });

  test('a token is spent by its upgrade: a server that acts by itself refuses it then', async () => {
    const server = createFakeServer({ auto: true });
    const socket = new TwoStageSocket({ ...server.options, tokenRetry: 'reuse' });
    socket.connect();
    await socket.ready();
    const { WebSocket } = server.options;
    const ws = new WebSocket('wss://fake.test/?token=token-1');
    const onclose = vi.fn();
    ws.onclose = onclose;
    await settle();
    expect(onclose).toHaveBeenCalledWith(expect.objectContaining({ code: 1006 }));
    expect(server.last()).toMatchObject({ id: 2, token: 'token-1', status: 'closed' });
  });

  test('admit says that a server would refuse a token that is spent, or has expired', async () => {
    const server = createFakeServer();
    const dial = (token: string) => new server.options.WebSocket(`wss://fake.test/?token=${token}`);
    const { token } = server.issueToken();
    dial(token);
    server.last().accept();
    dial(token);
    await expect(server.admit()).rejects.toThrow('the token of connection 2 is spent');
    server.last().accept();
    const late = server.issueToken();
    await server.advance(900_000);
    dial(late.token);
    await expect(server.admit()).rejects.toThrow('the token of connection 3 is expired');
  });

  test('a reusable token admits again, until it expires', async () => {
    const { server, state } = connect({ tokens: { reusable: true, expiresIn: 60_000 } });
    for (let turn = 0; turn < 3; turn += 1) {
      await server.admit();
      server.drop();
      await server.advance(4000);
    }
    await server.admit();
    expect(server.tokenRequests).toHaveLength(1);
    await server.advance(60_000);
    server.drop();
    await server.advance(4000);
    await server.admit();
    expect(server.tokenRequests).toHaveLength(2);
    expect(state().status).toBe('ready');
  });

  test.each([
    ['a query of another name', { tokenIn: { query: 'ticket' } }],
    ['the subprotocols', { tokenIn: 'subprotocol' }],
  ] as const)('a token that travels in %s is found', async (_, options) => {
    const server = createFakeServer();
    new TwoStageSocket({ ...server.options, ...options }).connect();
    const connection = await server.admit();
    expect(connection.token).toBe('token-1');
    expect(connection.wire).toBe('two-stage.v1');
  });

  test('tokens of a getToken of the test’s own are taken as they come', async () => {
    const server = createFakeServer();
    const socket = new TwoStageSocket({ ...server.options, getToken: () => 'another' });
    socket.connect();
    const connection = await server.admit();
    expect(connection).toMatchObject({ token: 'another', wire: 'original', status: 'ready' });
  });
});

describe('a ready connection of two-stage.v1', () => {
  test('answers pings by itself, and hangs when it is told to', async () => {
    const { server, state } = connect();
    const connection = await server.admit();
    await server.advance(100_000);
    expect(state().status).toBe('ready');
    expect(connection.frames.filter((frame) => frame === '{"type":"ping"}')).toHaveLength(4);
    connection.hang();
    expect(server.live()).toEqual([connection]);
    await server.advance(50_000);
    expect(connection.end).toMatchObject({ by: 'client' });
    expect(server.last().id).toBeGreaterThan(1);
    expect(() => connection.say('x')).toThrow('say: connection 1 is closed: the client ended it');
  });

  test('is renewed, and a renewal may be refused', async () => {
    const { server, socket, state } = connect({ ack: { expiresIn: 600_000 } });
    const connection = await server.admit();
    const renewed = socket.renew();
    await settle();
    expect(connection.renewals).toEqual([{ type: 'jwt', token: 'jwt-2' }]);
    connection.ack();
    await renewed;
    expect(() => connection.ack()).toThrow('ack: connection 1 is ready, and has sent no renewal');
    const refused = socket.renew();
    refused.catch(() => {});
    await settle();
    connection.reject();
    await expect(refused).rejects.toMatchObject({ code: 'unauthorized' });
    expect(state().status).toBe('waiting');
  });

  test('is renewed by a server that acts by itself, unless it refuses the next', async () => {
    const { server, socket } = connect({ auto: true });
    await socket.ready();
    await socket.renew();
    server.rejectInit(4403);
    await expect(socket.renew()).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('is handed over when its server goes away', async () => {
    const { server, state, socket } = connect({ auto: true });
    await socket.ready();
    const next = server.upgrade();
    server.goAway({ retryAfter: 1000 });
    await server.advance(3000);
    expect(await next).toBe(server.last());
    expect(server.connections.map(({ status }) => status)).toEqual(['closed', 'ready']);
    expect(server.tokenRequests[1]?.reason).toBe('handover');
    expect(state().status).toBe('ready');
  });

  test('is ended for a frame that is no message', async () => {
    const server = createFakeServer({ auto: true });
    const ws = new server.options.WebSocket('wss://fake.test/', ['two-stage.v1']);
    ws.onopen = () => ws.send('{"type":"jwt","token":"a"}');
    await settle();
    ws.send('hello');
    await settle();
    expect(server.last().end).toMatchObject({ by: 'server', code: 4400 });
  });
});

describe('a server that acts by itself', () => {
  test('refuses the next upgrade, and the next init payload, when it is told to', async () => {
    const { server, socket } = connect({ auto: true });
    server.refuseUpgrade();
    server.rejectInit();
    const codes: string[] = [];
    socket.on('error', ({ code }) => codes.push(code));
    await server.advance(60_000);
    expect(codes).toEqual(['connect-failed', 'unauthorized']);
    expect(socket.getSnapshot().status).toBe('ready');
  });

  test('may stop doing so, and begin again', async () => {
    const { server, socket, state } = connect({ auto: true });
    await socket.ready();
    server.auto = false;
    server.drop();
    await server.advance(5000);
    expect(state().status).toBe('connecting');
    await server.admit();
    server.auto = true;
    server.drop();
    await server.advance(5000);
    expect(state().status).toBe('ready');
  });
});

test('without an init stage, a connection is ready when it is accepted', async () => {
  const { server, socket, received } = connect({ init: false });
  const connection = await server.admit();
  expect(connection).toMatchObject({ status: 'ready', wire: 'original', initPayload: undefined });
  socket.send('hi');
  server.say('hello');
  expect([server.messages, received]).toEqual([['hi'], ['hello']]);
  await expect(connection.init()).rejects.toThrow('no init stage');
});

test('an ack of another server’s is sent', async () => {
  const server = createFakeServer({ wire: 'original', ack: { welcome: 'ada' } });
  const socket = new TwoStageSocket({
    ...server.options,
    isReady: (message: any) => message.welcome !== undefined,
  });
  socket.connect();
  await server.admit();
  expect(await socket.ready()).toEqual({ welcome: 'ada' });
});

test('the client is seen to close', async () => {
  const { server, socket } = connect();
  const connection = await server.admit();
  socket.close(3001, 'bye');
  expect(connection.end).toEqual({ by: 'client', code: 3001, reason: 'bye' });
  expect(server.live()).toEqual([]);
  expect(server.environment.timers + server.environment.pageListeners).toBe(0);
});

test('a page that is offline waits', async () => {
  const { server, state } = connect();
  await server.admit();
  server.environment.goOffline();
  server.drop();
  await server.advance(60_000);
  expect(state()).toMatchObject({ status: 'waiting', until: 'online' });
  server.environment.goOnline();
  await server.advance(1000);
  await server.admit();
});

test('several sockets of one server are told apart', async () => {
  const server = createFakeServer<string, string>({ auto: true });
  const heard: string[] = [];
  for (const name of ['a', 'b']) {
    const socket = new TwoStageSocket(server.options);
    socket.on('message', (message) => heard.push(`${name}: ${message}`));
    socket.connect();
    await socket.ready();
  }
  server.say('all');
  server.connections[0]?.say('one');
  expect(heard).toEqual(['a: all', 'b: all', 'a: one']);
});

test('the class of createWebSocket goes through both stages of it', async () => {
  const server = createFakeServer();
  const Chat = createWebSocket(server.options);
  const chat = new Chat('wss://chat.test/room');
  const events: string[] = [];
  for (const type of ['open', 'message', 'error', 'close']) {
    chat.addEventListener(type, (event: any) => events.push(event.data ?? event.code ?? type));
  }
  const connection = await server.admit();
  expect(connection.url).toBe('wss://chat.test/room?token=token-1');
  chat.send('hi');
  expect(server.messages).toEqual(['hi']);
  server.say('hello');
  chat.close(3000);
  await settle();
  expect(events).toEqual(['open', 'hello', 3000]);
});

test('lives by the fake timers of vitest, when it is told to', async () => {
  vi.useFakeTimers();
  try {
    const { server, state } = connect({ time: 'global', tokens: { expiresIn: 5000 } });
    await server.admit();
    server.drop();
    await vi.advanceTimersByTimeAsync(2000);
    await server.admit();
    expect(state().status).toBe('ready');
    await expect(server.advance(1)).rejects.toThrow('vi.advanceTimersByTimeAsync');
    const { token } = server.issueToken();
    vi.advanceTimersByTime(5000);
    new server.options.WebSocket(`wss://fake.test/?token=${token}`);
    await expect(server.admit()).rejects.toThrow('expired');
  } finally {
    vi.useRealTimers();
  }
});

test('is as new after a reset', async () => {
  const { server, socket, state } = connect({ auto: true });
  await socket.ready();
  socket.send('hi');
  server.auto = false;
  server.refuseToken();
  server.refuseUpgrade();
  server.rejectInit();
  server.holdTokens();
  server.reset();
  expect(state().status).toBe('waiting');
  expect([server.connections, server.messages, server.tokenRequests]).toEqual([[], [], []]);
  expect(server.auto).toBe(true);
  await server.advance(5000);
  expect(state().status).toBe('ready');
  expect(server.last()).toMatchObject({ id: 1, token: 'token-1' });
});

describe('a mistake of the test’s is told clearly:', () => {
  test('no upgrade has come', async () => {
    const server = createFakeServer();
    expect(() => server.last()).toThrow('no upgrade has come. getToken has been called 0 times');
    await expect(server.admit()).rejects.toThrow('Has the socket been connected?');
    for (const act of ['say', 'drop', 'close', 'goAway'] as const) {
      expect(() => server[act](), act).toThrow(`${act}: no connection is `);
    }
  });

  test('no upgrade comes, since the tokens are held', async () => {
    const { server } = connect();
    server.holdTokens();
    await expect(server.admit()).rejects.toThrow('getToken has been called once, and is held');
  });

  test('no upgrade comes, since no time has gone by', async () => {
    const { server } = connect();
    await server.admit();
    server.drop();
    await expect(server.admit()).rejects.toThrow(
      'connections: 1 closed with 1006 by the server. Has the socket been connected? ' +
        'One that waits to try again needs time: await advance(ms)',
    );
  });

  test('it was admitted by itself already', async () => {
    const { server, socket } = connect({ auto: true });
    await socket.ready();
    await expect(server.admit()).rejects.toThrow('1 ready; it acts by itself (auto)');
  });

  test('the init payload does not come', async () => {
    const server = createFakeServer();
    new TwoStageSocket({ ...server.options, initPayload: () => new Promise(() => {}) }).connect();
    await expect(server.admit()).rejects.toThrow(
      'ack: connection 1 has not sent its init payload: await init() first',
    );
    expect(() => server.last().say('x')).toThrow('has not sent its init payload, or admit() it');
    const init = server.last().init();
    server.last().drop();
    await expect(init).rejects.toThrow('has ended with 1006 while it was authenticating');
  });

  test('acts out of order', async () => {
    const { server } = connect();
    const upgrade = await server.upgrade();
    for (const act of ['say', 'ack', 'reject', 'goAway', 'close'] as const) {
      expect(() => upgrade[act](undefined as any), act).toThrow(
        `${act}: connection 1 is connecting: accept() it first`,
      );
    }
    upgrade.accept();
    await upgrade.init();
    expect(() => upgrade.say('x')).toThrow('say: connection 1 is not ready: it has no ack');
    expect(() => upgrade.accept()).toThrow('accept: connection 1 is authenticating already');
    expect(() => upgrade.refuse()).toThrow('reject() refuses an init payload');
    upgrade.drop();
    expect(() => upgrade.drop()).toThrow(
      'drop: connection 1 is closed: the server ended it with 1006',
    );
  });

  test('codes that no close frame carries', async () => {
    const { server } = connect();
    await server.admit();
    expect(() => server.close(1006)).toThrow('drop()');
    for (const code of [999, 1005, 1015, 2000, 5000]) {
      expect(() => server.close(code)).toThrow(RangeError);
    }
  });

  test('the original wire cannot go away', async () => {
    const { server } = connect({ wire: 'original' });
    await server.admit();
    expect(() => server.goAway()).toThrow('original wire');
  });

  test('a connection that hangs', async () => {
    const { server } = connect();
    const connection = await server.admit();
    connection.hang();
    expect(() => connection.say('x')).toThrow('say: connection 1 hangs: only drop() ends it');
    connection.drop();
    expect(connection.end?.code).toBe(1006);
  });
});

test('sendFrame does what a server must not', async () => {
  const { server, state, received } = connect();
  const upgrade = await server.upgrade();
  upgrade.accept();
  upgrade.sendFrame('{"type":"message","data":"too early"}');
  await upgrade.init();
  upgrade.ack();
  upgrade.sendFrame('no JSON');
  expect(received).toEqual([]);
  expect(state()).toMatchObject({ failure: { code: 'frame-invalid' } });
});

test('types follow those of the socket', async () => {
  const server = createFakeServer<{ text: string }, { say: string }>();
  const socket = new TwoStageSocket(server.options);
  socket.connect();
  const connection = await server.admit();
  // @ts-expect-error a message of another kind
  connection.say({ txt: 'x' });
  // @ts-expect-error a message of another kind
  socket.send({ sy: 'x' });
  socket.on('message', ({ text }) => text.length);
  connection.messages.map(({ say }) => say?.length);
  server.messages satisfies readonly { say: string }[];
});
