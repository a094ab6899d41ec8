import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { fetchToken } from './fetch-token.ts';
import { TwoStageSocket } from './socket.ts';
import { type TwoStageHandlersOptions, twoStageHandlers } from './testing-msw.ts';

const url = 'wss://chat.test/demo';
const tokenUrl = 'https://chat.test/token/ws';
const usersOf: { readonly [jwt: string]: string } = {
  'jwt-of-ada': 'ada',
  'jwt-of-bob': 'bob',
  'jwt-of-bob-2': 'bob',
};
const authenticate = async (jwt: string) => usersOf[jwt];

const network = setupServer();
beforeAll(() => network.listen());
afterAll(() => network.close());

const sockets: TwoStageSocket<any, any>[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
  network.resetHandlers();
});

function serve(options: Partial<TwoStageHandlersOptions<any, any>> = {}) {
  const chat = twoStageHandlers<any, any>({ url, tokenUrl, authenticate, ...options });
  network.use(...chat);
  return chat;
}

/** An app that has been told to connect; it hears of each event with `next`. */
function open({ bearer = 'jwt-of-ada', jwt = bearer, ...options }: { [name: string]: any } = {}) {
  const socket = new TwoStageSocket<any, any>({
    url,
    getToken: fetchToken(tokenUrl, { headers: { Authorization: `Bearer ${bearer}` } }),
    initPayload: () => ({ type: 'jwt', token: jwt }),
    environment: { random: () => 0 },
    ...options,
  });
  sockets.push(socket);
  const next = <T = any>(event: Parameters<typeof socket.on>[0]) =>
    new Promise<T>((resolve) => socket.on(event, resolve as any));
  socket.connect();
  return { socket, next };
}

describe.each(['original', 'two-stage.v1'] as const)('on %s', (wire) => {
  test('an app goes through both stages, and messages go both ways', async () => {
    const chat = serve({ wire, onMessage: (message, from) => from.say({ echo: message }) });
    const { socket, next } = open();
    await socket.ready();
    expect(socket.getSnapshot()).toMatchObject({ status: 'ready', wire });
    expect(chat.last()).toMatchObject({
      token: 'token-1',
      wire,
      initPayload: { type: 'jwt', token: 'jwt-of-ada' },
    });
    const message = next('message');
    socket.send({ n: 1 });
    expect(await chat.nextMessage()).toEqual({ n: 1 });
    expect(await message).toEqual({ echo: { n: 1 } });
    const pushed = next('message');
    chat.say(Uint8Array.of(1));
    expect([...new Uint8Array(await pushed)]).toEqual([1]);
  });

  test('another user’s JWT, and a bad one, are refused', async () => {
    const chat = serve({ wire });
    const isV1 = wire === 'two-stage.v1';
    const foreign = await open({ jwt: 'jwt-of-bob' }).next('error');
    expect(foreign).toMatchObject({ stage: 'init', code: isV1 ? 'forbidden' : 'init-dropped' });
    const bad = await open({ jwt: 'x' }).next('error');
    expect(bad).toMatchObject({ stage: 'init', code: isV1 ? 'unauthorized' : 'init-dropped' });
    const other = await open({ initPayload: 'hello' }).next('error');
    expect(other).toMatchObject({ code: isV1 ? 'protocol-error' : 'init-dropped' });
    expect(chat.connections.map(({ end }) => end?.by)).toEqual(['server', 'server', 'server']);
  });

  test('it is lost, closed, and comes back', async () => {
    const chat = serve({ wire });
    const { socket, next } = open({ retry: { initialDelay: 0, minDelay: 0, maxDelay: 0 } });
    await socket.ready();
    for (const [act, code] of [
      [() => chat.drop(), 'connection-lost'],
      [() => chat.close(1012, { retryAfter: 0 }), 'server-busy'],
    ] as const) {
      const error = next('error');
      act();
      expect((await error).code).toBe(code);
      await socket.ready();
    }
    expect(chat.connections).toHaveLength(3);
    expect(chat.live()).toEqual([chat.last()]);
  });
});

describe('the token route', () => {
  const ask = (init?: RequestInit) => fetch(tokenUrl, init);
  const bearer = { headers: { authorization: 'Bearer jwt-of-ada' } };

  test.each(['POST', 'GET'])('answers %s as the protocol says', async (method) => {
    const chat = serve();
    const response = await ask({ ...bearer, method });
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const { data, ...rest } = await response.json();
    expect(rest).toEqual({ status: 1, message: expect.any(String) });
    expect(data).toEqual({
      token: 'token-1',
      expiresIn: 900_000,
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
      reusable: false,
      protocol: 'two-stage.v1',
    });
    expect(chat.tokenRequests.map((request) => request.method)).toEqual([method]);
  });

  test('names no wire where the server speaks but the original one', async () => {
    serve({ wire: 'original', tokens: { reusable: true, expiresIn: 1000 } });
    const { data } = await (await ask(bearer)).json();
    expect(data).toMatchObject({ reusable: true, expiresIn: 1000 });
    expect(data).not.toHaveProperty('protocol');
  });

  test.each([
    ['no JWT', {}],
    ['a bad JWT', { headers: { authorization: 'Bearer x' } }],
  ])('refuses %s', async (_, init) => {
    serve();
    const response = await ask(init);
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect((await response.json()).status).toBe(0);
  });

  test('accepts whoever comes where nothing says whose JWT is good', async () => {
    serve({ authenticate: undefined });
    expect((await ask()).status).toBe(200);
  });

  test('goes by a cookie where the app’s does', async () => {
    const asked: unknown[] = [];
    serve({
      authenticate(jwt, tokenRequest) {
        asked.push([jwt, tokenRequest?.request.method]);
        return usersOf[tokenRequest ? `jwt-of-${tokenRequest.cookies.session}` : jwt];
      },
    });
    expect((await ask()).status).toBe(401);
    const headers = { cookie: 'session=bob' };
    const { socket } = open({ jwt: 'jwt-of-bob', getToken: fetchToken(tokenUrl, { headers }) });
    expect(await socket.ready()).toMatchObject({ user: 'bob' });
    expect(asked).toEqual([
      ['', 'GET'],
      ['', 'POST'],
      ['jwt-of-bob', undefined],
    ]);
    const foreign = open({ jwt: 'jwt-of-ada', getToken: fetchToken(tokenUrl, { headers }) });
    expect((await foreign.next('error')).code).toBe('forbidden');
  });

  test('refuses the next request when it is told to', async () => {
    const chat = serve();
    chat.refuseToken({ status: 503, retryAfter: 1500 });
    const response = await ask(bearer);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await response.json()).toEqual({
      status: 0,
      message: expect.any(String),
      data: { retryAfter: 1500 },
    });
    expect((await ask(bearer)).status).toBe(200);
    chat.refuseToken();
    expect((await open().next('close')).failure).toMatchObject({
      code: 'unauthorized',
      status: 401,
    });
  });

  test('is slow when it is told to', async () => {
    const chat = serve();
    const release = chat.holdTokens();
    const { socket } = open();
    await vi.waitUntil(() => chat.tokenRequests.length === 1);
    expect(socket.getSnapshot().status).toBe('fetching-token');
    release();
    await socket.ready();
  });
});

describe('an upgrade', () => {
  const dial = async (query: string) => {
    const ws = new WebSocket(`${url}${query}`);
    const events: string[] = [];
    ws.onopen = () => {
      events.push('open');
      ws.close();
    };
    await new Promise<void>((resolve) => {
      ws.onclose = ({ code }) => {
        events.push(String(code));
        resolve();
      };
    });
    return events;
  };

  test('admits a token once', async () => {
    const chat = serve();
    const { token } = chat.issueToken();
    expect(await dial(`?token=${token}`)).toEqual(['open', '1000']);
    expect(await dial(`?token=${token}`)).toEqual(['1006']);
  });

  test('admits a reusable one again', async () => {
    const chat = serve({ tokens: { reusable: true } });
    const { token } = chat.issueToken();
    expect(await dial(`?token=${token}`)).toEqual(['open', '1000']);
    expect(await dial(`?token=${token}`)).toEqual(['open', '1000']);
  });

  test.each(['', '?token=token-1', '?token='])('with %j is refused', async (query) => {
    serve();
    expect(await dial(query)).toEqual(['1006']);
  });

  test('needs no token where there is no token stage', async () => {
    serve({ tokenUrl: undefined });
    expect(await dial('')).toEqual(['open', '1000']);
  });

  test('is refused when it is told to', async () => {
    const chat = serve();
    chat.refuseUpgrade();
    expect((await open().next('error')).code).toBe('connect-failed');
  });
});

describe('the init stage', () => {
  test('refuses the next payload when it is told to, and takes the one after', async () => {
    const chat = serve();
    chat.rejectInit();
    const { socket, next } = open({ retry: { initialDelay: 0, minDelay: 0, maxDelay: 0 } });
    expect((await next('error')).code).toBe('unauthorized');
    await socket.ready();
  });

  test('is the test’s where it does not act by itself', async () => {
    const chat = serve({ auto: false });
    const { socket } = open();
    const upgrade = await chat.upgrade();
    await upgrade.init();
    expect(socket.getSnapshot().status).toBe('authenticating');
    upgrade.ack({ user: 'eve' });
    expect(await socket.ready()).toMatchObject({ user: 'eve' });
  });

  test('tells who the user is, and renews in place', async () => {
    const chat = serve({ ack: { expiresIn: 1_000_000 } });
    let jwt = 'jwt-of-bob';
    const { socket, next } = open({
      bearer: jwt,
      initPayload: () => ({ type: 'jwt', token: jwt }),
    });
    expect(await socket.ready()).toEqual({
      type: 'ready',
      user: 'bob',
      expiresIn: 1_000_000,
      heartbeat: 25_000,
    });
    jwt = 'jwt-of-bob-2';
    await socket.renew();
    expect(chat.last().renewals).toEqual([{ type: 'jwt', token: jwt }]);
    jwt = 'jwt-of-ada';
    const closed = next('close');
    await expect(socket.renew()).rejects.toMatchObject({ code: 'forbidden' });
    expect((await closed).failure.code).toBe('forbidden');
  });
});

test('a handover opens a second connection before it lets go of the first', async () => {
  const chat = serve();
  const { socket } = open();
  await socket.ready();
  const ready = new Promise((resolve) => socket.on('ready', resolve));
  chat.goAway();
  await ready;
  await vi.waitUntil(() => chat.live().length === 1);
  expect(chat.connections.map(({ status }) => status)).toEqual(['closed', 'ready']);
});

test('the client is seen to close', async () => {
  const chat = serve();
  const { socket } = open();
  await socket.ready();
  socket.close(3001, 'bye');
  await vi.waitUntil(() => chat.last().end);
  expect(chat.last().end).toEqual({ by: 'client', code: 3001, reason: 'bye' });
});

test('a reset forgets what was', async () => {
  const chat = serve();
  await open().socket.ready();
  chat.reset();
  expect([chat.connections, chat.tokenRequests, chat.messages]).toEqual([[], [], []]);
  expect(() => chat.last()).toThrow('the token route has been asked 0 times');
  await fetch(tokenUrl);
  expect(() => chat.last()).toThrow('the token route has been asked once');
});
