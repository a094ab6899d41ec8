import { once } from 'node:events';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { refuseUpgrade, UNAUTHORIZED } from './gate.ts';
import { createPlaces } from './limits.ts';
import { openClient, openRaw, UpgradeRefused, upgradeRequest } from './testing/client.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { type Harness, startServer } from './testing/harness.ts';
import { memoryTokens } from './tokens.ts';

/** The whole answer to an upgrade, `Date` apart. */
async function answerTo(
  { server }: Harness,
  target: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const raw = openRaw(server.url);
  raw.socket.write(upgradeRequest(target, headers));
  return (await raw.ended).toString('latin1').replace(/^Date: .*\r\n/m, '');
}

async function statusOf(attempt: Promise<unknown>): Promise<number> {
  try {
    await attempt;
    return 101;
  } catch (error) {
    if (error instanceof UpgradeRefused) return error.status;
    throw error;
  }
}

test('S1 a single-use token admits exactly one of 100 concurrent upgrades', async () => {
  const harness = await startServer();
  const { token } = await harness.token(await harness.login('ada'));
  const statuses = await Promise.all(
    Array.from({ length: 100 }, () => statusOf(openClient(harness.address(token)))),
  );
  expect(statuses.filter((status) => status === 101)).toHaveLength(1);
  expect(statuses.filter((status) => status === 401)).toHaveLength(99);
});

test('a reusable token admits again until it expires', async () => {
  const harness = await startServer({ tokenReusable: true, tokenExpiresIn: 1000 });
  const { token, reusable } = await harness.token(await harness.login('ada'));
  expect(reusable).toBe(true);
  expect(await statusOf(openClient(harness.address(token)))).toBe(101);
  expect(await statusOf(openClient(harness.address(token)))).toBe(101);
  harness.environment.advance(1000);
  expect(await statusOf(openClient(harness.address(token)))).toBe(401);
});

test('S2 missing, unknown, expired, spent and malformed tokens get the same bytes', async () => {
  const environment = fakeEnvironment();
  const tokens = memoryTokens(environment);
  const take = vi.spyOn(tokens, 'take');
  const harness = await startServer({}, { environment, services: { tokens } });
  const jwt = await harness.login('ada');
  const expired = (await harness.token(jwt)).token;
  environment.advance(900_000);
  const spent = (await harness.token(jwt)).token;
  await openClient(harness.address(spent));
  const good = (await harness.token(jwt)).token;
  const unknown = 'A'.repeat(43);

  const missing = await answerTo(harness, '/demo');
  expect(missing).toBe(
    [
      'HTTP/1.1 401 Unauthorized',
      'Connection: close',
      'Cache-Control: no-store',
      'Content-Type: application/json; charset=utf-8',
      'Content-Length: 37',
      'WWW-Authenticate: Bearer',
      '',
      '{"status":0,"message":"Unauthorized"}',
    ].join('\r\n'),
  );

  const targets = [
    `?token=${unknown}`,
    `?token=${expired}`,
    `?token=${spent}`,
    '?token=',
    '?token',
    '?',
    `?Token=${good}`,
    `?token=${good}&token=${good}`,
    `?token[]=${good}`,
    '?token[$gt]=',
    '?token={"$gt":""}',
    '?token=$where',
    '?token=__proto__',
    '?token=%00',
    `?token=${good}%00`,
    '?token=%F0%9F%94%91',
    '?token=%ff%zz',
    `?token=${good}=`,
    `?token=%20${good}`,
    `?token=${'A'.repeat(8000)}`,
  ];
  for (const target of targets) {
    expect(await answerTo(harness, `/demo${target}`), target).toBe(missing);
  }
  const protocols = [
    `two-stage.v1, token.${unknown}`,
    `two-stage.v1, token.${spent}`,
    'two-stage.v1, token.',
    `two-stage.v1, token.${good}, token.${good}`,
    `two-stage.v1, token.${good}=`,
    'two-stage.v1, token.a b',
    ',,;"',
  ];
  for (const entry of protocols) {
    const answer = await answerTo(harness, '/demo', { 'Sec-WebSocket-Protocol': entry });
    expect(answer, entry).toBe(missing);
  }
  // One in each place is two too many as well.
  expect(
    await answerTo(harness, `/demo?token=${good}`, {
      'Sec-WebSocket-Protocol': `two-stage.v1, token.${good}`,
    }),
  ).toBe(missing);

  for (const [token] of take.mock.calls) expect(token).toMatch(/^[\w-]{1,256}$/);
  // None of it has spent the good one.
  expect(await statusOf(openClient(harness.address(good)))).toBe(101);
});

test('S2 a token of 1 MB is stopped by the limit on headers, before the gate', async () => {
  const environment = fakeEnvironment();
  const tokens = memoryTokens(environment);
  const take = vi.spyOn(tokens, 'take');
  const harness = await startServer({}, { environment, services: { tokens } });
  expect(await answerTo(harness, `/demo?token=${'A'.repeat(1_000_000)}`)).not.toMatch(/ 101 /);
  expect(take).not.toHaveBeenCalled();
});

test('S3 a token is judged by the clock when it is used', async () => {
  const harness = await startServer();
  const { token } = await harness.token(await harness.login('ada'));
  harness.environment.advance(899_999);
  const late = await harness.token(await harness.login('ada'));
  expect(await statusOf(openClient(harness.address(token)))).toBe(101);
  harness.environment.advance(900_000);
  expect(await statusOf(openClient(harness.address(late.token)))).toBe(401);
});

test('S8 the upgrade admits its own origins and no others', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const { port } = new URL(harness.server.url);
  const from = async (origin: string | undefined): Promise<number> => {
    const { token } = await harness.token(jwt);
    const headers = origin === undefined ? {} : { Origin: origin };
    return statusOf(openClient(harness.address(token), [], headers as Record<string, string>));
  };

  expect(await from(undefined)).toBe(101);
  expect(await from(`http://127.0.0.1:${port}`)).toBe(101);
  expect(await from(`http://localhost:${port}`)).toBe(101);
  expect(await from('null')).toBe(403);
  expect(await from('https://evil.example')).toBe(403);
  expect(await from(`http://127.0.0.1:${port}.evil.example`)).toBe(403);
  expect(await from(`http://127.0.0.1:${port}0`)).toBe(403);
  expect(await from(`http://evil.localhost:${port}`)).toBe(403);
  expect(await from('http://127.0.0.1')).toBe(403);
  expect(await from('')).toBe(403);
});

test('S8 a foreign page learns nothing about its token, and spends none', async () => {
  const harness = await startServer();
  const { token } = await harness.token(await harness.login('ada'));
  const foreign = { Origin: 'https://evil.example' };
  const withToken = await answerTo(harness, `/demo?token=${token}`, foreign);
  expect(withToken).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
  expect(await answerTo(harness, '/demo?token=unknown', foreign)).toBe(withToken);
  expect(await statusOf(openClient(harness.address(token)))).toBe(101);
});

test('another path is 404, whatever else is wrong', async () => {
  const harness = await startServer();
  for (const path of ['/', '/other', '/demo/', '/DEMO', '/demo/../demo', '//', '*']) {
    const answer = await answerTo(harness, `${path}?token=x`, { Origin: 'null' });
    expect(answer, path).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
  }
});

test('the token may come as a subprotocol entry, which is never echoed', async () => {
  const harness = await startServer();
  const { token } = await harness.token(await harness.login('ada'));
  const client = await openClient(harness.server.socketUrl, [`token.${token}`, 'two-stage.v1']);
  expect(client.socket.protocol).toBe('two-stage.v1');
});

test('a subprotocol the server does not know is not selected', async () => {
  const harness = await startServer();
  const { token } = await harness.token(await harness.login('ada'));
  const raw = openRaw(harness.server.url);
  raw.socket.write(
    upgradeRequest('/demo', { 'Sec-WebSocket-Protocol': `chat, token.${token}, two-stage.v2` }),
  );
  await raw.until('\r\n\r\n');
  expect(raw.received().toString()).toMatch(/^HTTP\/1\.1 101 /);
  expect(raw.received().toString()).not.toMatch(/sec-websocket-protocol/i);
  raw.socket.destroy();
});

test('S9 unauthenticated connections have a bounded number of places', async () => {
  const harness = await startServer({ maxUnauthenticated: 2 });
  const jwt = await harness.login('ada');
  const first = await harness.open(jwt);
  await harness.open(jwt);
  const { token } = await harness.token(jwt);
  const answer = await answerTo(harness, `/demo?token=${token}`);
  expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  expect(answer).toContain('Retry-After: 3\r\n');
  expect(answer).toContain('"data":{"retryAfter":3000}');

  // Its token was not spent, and a place is free again once one has authenticated.
  first.sendJson({ type: 'jwt', token: jwt });
  await first.next();
  expect(await statusOf(openClient(harness.address(token)))).toBe(101);
});

test('S9 an unauthenticated connection that goes away gives its place back', async () => {
  const places = createPlaces(1);
  const leave = places.enter();
  expect(places.enter()).toBeUndefined();
  leave?.();
  leave?.();
  expect(places.taken).toBe(0);
  expect(places.enter()).toBeDefined();
});

test('S9 a socket that goes away before its init payload gives its place back', async () => {
  const harness = await startServer({ maxUnauthenticated: 1 });
  const jwt = await harness.login('ada');
  const client = await harness.open(jwt);
  expect(await statusOf(harness.open(jwt))).toBe(503);
  client.socket.terminate();
  await harness.logged('connection ended');
  expect(await statusOf(harness.open(jwt))).toBe(101);
});

test('S9 a refused client that keeps its side open is let go of', async () => {
  const harness = await startServer();
  const { hostname, port } = new URL(harness.server.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.write(upgradeRequest('/demo'));
  await once(socket.resume(), 'end');
  // What still comes is answered with a reset, as there is nobody any more.
  const reset = once(socket, 'error');
  const write = (): void => void socket.write('x', (error) => error ?? setImmediate(write));
  write();
  await reset;
});

test('a refusal is written to its end, however long that takes, before its socket is destroyed', async () => {
  let written = '';
  let finish: () => void = () => {};
  const socket = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      written += chunk;
      finish = done;
    },
  });
  refuseUpgrade(socket, UNAUTHORIZED);
  expect(socket.destroyed).toBe(false);
  finish();
  await once(socket, 'close');
  expect(written).toMatch(/^HTTP\/1\.1 401 .*"Unauthorized"}$/s);
});

test.each([
  ['good', 'ada'],
  ['bad', undefined],
])(
  'S12 a client that vanishes while its %s token is looked up ends nothing',
  async (_how, user) => {
    const environment = fakeEnvironment();
    const tokens = memoryTokens(environment);
    const harness = await startServer({}, { environment, services: { tokens } });
    const client = await harness.ready(await harness.login('ada'));
    const raw = openRaw(harness.server.url);
    let answer: (user: string | undefined) => void = () => {};
    const asked = new Promise<void>((resolve) => {
      vi.spyOn(tokens, 'take').mockImplementationOnce(() => {
        resolve();
        return new Promise((found) => {
          answer = found;
        });
      });
    });
    raw.socket.write(upgradeRequest(`/demo?token=${'A'.repeat(43)}`));
    await asked;
    raw.socket.resetAndDestroy();
    await raw.ended;
    answer(user);
    await client.roundTrip();
    expect((await harness.request('/health')).status).toBe(200);
  },
);

test('S12 a token store that is down refuses upgrades and ends nothing', async () => {
  const environment = fakeEnvironment();
  const tokens = memoryTokens(environment);
  const harness = await startServer({}, { environment, services: { tokens } });
  const jwt = await harness.login('ada');
  const client = await harness.ready(jwt);
  const { token } = await harness.token(jwt);
  vi.spyOn(tokens, 'take').mockRejectedValueOnce(new Error(`cannot find ${token}`));
  vi.spyOn(tokens, 'mint').mockRejectedValueOnce(new Error(`cannot insert ${token}`));
  expect(await statusOf(openClient(harness.address(token)))).toBe(503);
  const minting = await harness.post('/token/ws', undefined, jwt);
  expect([minting.status, minting.headers.get('Retry-After')]).toEqual([503, '3']);
  client.sendJson({ type: 'message', data: 'still here' });
  expect(await client.nextJson()).toEqual({ type: 'message', data: 'echo: still here' });
  expect(await statusOf(openClient(harness.address(token)))).toBe(101);
});

test('a request that offers another upgrade is a request like others', async () => {
  const harness = await startServer();
  const raw = openRaw(harness.server.url);
  raw.socket.write(upgradeRequest('/health', { Upgrade: 'h2c', Connection: 'close, Upgrade' }));
  expect((await raw.ended).toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

test('an upgrade is known however its name is written', async () => {
  const harness = await startServer();
  const { token } = await harness.token(await harness.login('ada'));
  const raw = openRaw(harness.server.url);
  raw.socket.write(upgradeRequest(`/demo?token=${token}`, { Upgrade: 'WebSocket' }));
  await raw.until('HTTP/1.1 101 ');
  raw.socket.destroy();
});

test.each([
  ['no key', { 'Sec-WebSocket-Key': '' }, 400],
  ['a key that is none', { 'Sec-WebSocket-Key': 'short' }, 400],
  ['another version', { 'Sec-WebSocket-Version': '12' }, 426],
  ['no host', { Host: '' }, 400],
  ['a body', { 'Content-Length': '4' }, 400],
  ['a body in chunks', { 'Transfer-Encoding': 'chunked' }, 400],
])('a handshake with %s spends no token', async (_what, headers, status) => {
  const harness = await startServer();
  const { token } = await harness.token(await harness.login('ada'));
  const answer = await answerTo(harness, `/demo?token=${token}`, headers);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  if (status === 426) expect(answer).toContain('Sec-WebSocket-Version: 13\r\n');
  expect(await statusOf(openClient(harness.address(token)))).toBe(101);
});

test.each([
  ['a method other than GET', /^GET/, 'POST'],
  ['HTTP/1.0', /HTTP\/1\.1/, 'HTTP/1.0'],
  ['a key with something behind it', /(Key: .*==)/, '$1=='],
])('a handshake with %s spends no token', async (_what, pattern, replacement) => {
  const harness = await startServer();
  const { token } = await harness.token(await harness.login('ada'));
  const raw = openRaw(harness.server.url);
  raw.socket.write(upgradeRequest(`/demo?token=${token}`).replace(pattern, replacement));
  expect((await raw.ended).toString()).toMatch(/^HTTP\/1\.1 400 /);
  expect(await statusOf(openClient(harness.address(token)))).toBe(101);
});

test('subprotocols that are no list, or repeat themselves, spend no token', async () => {
  const harness = await startServer();
  const { token } = await harness.token(await harness.login('ada'));
  for (const entry of ['a b', 'chat, chat', 'chat,', '"chat"']) {
    const headers = { 'Sec-WebSocket-Protocol': entry };
    const answer = await answerTo(harness, `/demo?token=${token}`, headers);
    expect(answer, entry).toMatch(/^HTTP\/1\.1 401 /);
  }
  expect(await statusOf(openClient(harness.address(token)))).toBe(101);
});

test('without a place it is said so before the handshake is looked at', async () => {
  const harness = await startServer({ maxUnauthenticated: 1 });
  const jwt = await harness.login('ada');
  const waiting = await harness.open(jwt);
  const version = { 'Sec-WebSocket-Version': '12' };
  expect(await answerTo(harness, '/demo', version)).toMatch(/^HTTP\/1\.1 503 /);
  waiting.sendJson({ type: 'jwt', token: jwt });
  await waiting.next();
  // One that is refused for its handshake takes no place.
  for (let n = 0; n < 3; n += 1) {
    expect(await answerTo(harness, '/demo', version)).toMatch(/^HTTP\/1\.1 426 /);
  }
  await harness.open(jwt);
});

test.each(['', 'GET /demo?token=', 'GET /demo HTTP/1.1\r\nHost: x\r\n'])(
  'S9 an upgrade that takes its time is ended: %j',
  async (beginning) => {
    // The time is real: it is Node that looks at the clock, once a second.
    const harness = await startServer({ initTimeout: 100 });
    const raw = openRaw(harness.server.url);
    raw.socket.write(beginning);
    expect((await raw.ended).toString()).toMatch(/^(HTTP\/1\.1 408 |$)/);
  },
);
