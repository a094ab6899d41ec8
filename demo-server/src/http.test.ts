import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openClient, openRaw } from './testing/client.ts';
import { startServer } from './testing/harness.ts';

test('POST /login answers a JWT to the demo’s two users', async () => {
  const harness = await startServer();
  for (const user of ['ada', 'bob']) {
    const answer = await harness.post('/login', { username: user, password: user });
    expect(answer.headers.get('Cache-Control')).toBe('no-store');
    expect(await answer.json()).toEqual({
      status: 1,
      data: { token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) },
    });
  }
});

test.each([
  { username: 'ada', password: 'bob' },
  { username: 'eve', password: 'eve' },
  { username: 'ada' },
  { username: ['ada'], password: ['ada'] },
  { username: { $gt: '' }, password: { $gt: '' } },
  {},
])('POST /login refuses %j', async (credentials) => {
  const harness = await startServer();
  const answer = await harness.post('/login', credentials);
  expect(answer.status).toBe(401);
  expect(await answer.json()).toEqual({ status: 0, message: 'Wrong username or password' });
});

test('POST /login without a JSON object says what it wants', async () => {
  const harness = await startServer();
  const form = { method: 'POST', body: new URLSearchParams({ username: 'ada', password: 'ada' }) };
  const answer = await harness.request('/login', form);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toEqual({
    status: 0,
    message: 'Expected a JSON object with username and password',
  });
});

test('a body that is no JSON, or too large, is the client’s error', async () => {
  const harness = await startServer();
  const headers = { 'Content-Type': 'application/json' };
  const send = (body: string): Promise<Response> =>
    harness.request('/login', { method: 'POST', headers, body });
  const garbage = await send('{"username":');
  expect(garbage.status).toBe(400);
  expect(await garbage.json()).toEqual({ status: 0, message: 'Bad request' });
  expect((await send(JSON.stringify('x'.repeat(20_000)))).status).toBe(413);
});

test.each(['POST', 'GET'])('%s /token/ws mints a token for who is logged in', async (method) => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const answer = await harness.request('/token/ws', {
    method,
    headers: { Authorization: `Bearer ${jwt}` },
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('Cache-Control')).toBe('no-store');
  const { data, ...rest } = (await answer.json()) as { data: { token: string } };
  expect(rest).toEqual({ status: 1, message: 'Token generated successfully' });
  expect(data).toEqual({
    token: expect.stringMatching(/^[\w-]{43}$/),
    expiresIn: 900_000,
    expiresAt: '2030-01-01T00:15:00.000Z',
    reusable: false,
    protocol: 'two-stage.v1',
  });
  await openClient(harness.address(data.token));
});

test('the token route leaves the protocol out for who asks for the original wire', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const answer = await harness.post('/token/ws?wire=original', undefined, jwt);
  const { data } = (await answer.json()) as { data: object };
  expect(Object.keys(data)).toEqual(['token', 'expiresIn', 'expiresAt', 'reusable']);
});

test('without a good JWT the token route and logout answer 401, in the envelope', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  for (const path of ['/token/ws', '/logout']) {
    for (const authorization of [
      undefined,
      '',
      jwt,
      `Basic ${jwt}`,
      'Bearer',
      'Bearer bad',
      `Bearer ${jwt}x`,
      `Bearer ${jwt} ${jwt}`,
    ]) {
      const answer = await harness.request(path, {
        method: 'POST',
        ...(authorization !== undefined && { headers: { Authorization: authorization } }),
      });
      expect(answer.status, authorization).toBe(401);
      expect(answer.headers.get('WWW-Authenticate')).toMatch(/^Bearer( error="invalid_token")?$/);
      expect(await answer.json()).toEqual({ status: 0, message: 'Unauthorized' });
    }
    expect((await harness.request(`${path}?access_token=${jwt}`, { method: 'POST' })).status).toBe(
      401,
    );
  }
});

test('HEAD mints no token, and other methods are refused', async () => {
  const harness = await startServer();
  const headers = { Authorization: `Bearer ${await harness.login('ada')}` };
  for (const method of ['HEAD', 'PUT', 'DELETE']) {
    const answer = await harness.request('/token/ws', { method, headers });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('Allow')).toBe('POST, GET');
  }
});

test('S9 tokens above TOKENS_PER_MINUTE of a user are told when to come back', async () => {
  // The library that counts them looks at the machine's clock.
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const harness = await startServer({ tokensPerMinute: 3 });
  const [ada, bob] = [await harness.login('ada'), await harness.login('bob')];
  for (let n = 0; n < 3; n += 1) await harness.token(ada);
  const answer = await harness.post('/token/ws', undefined, ada);
  expect(answer.status).toBe(429);
  const { message, data } = (await answer.json()) as {
    message: string;
    data: { retryAfter: number };
  };
  expect(message).toBe('Too many tokens');
  expect(answer.headers.get('Retry-After')).toBe(String(Math.ceil(data.retryAfter / 1000)));
  expect(data.retryAfter).toBeLessThanOrEqual(60_000);
  await harness.token(bob);
  vi.setSystemTime(Date.now() + data.retryAfter);
  await harness.token(ada);
});

test('above ADMIT_RATE the token route says when the caller’s slot is', async () => {
  const harness = await startServer({ admitRate: 2 });
  const jwt = await harness.login('ada');
  for (let n = 0; n < 2; n += 1) await harness.token(jwt);
  for (const retryAfter of [1500, 2000]) {
    const answer = await harness.post('/token/ws', undefined, jwt);
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '2']);
    expect(await answer.json()).toMatchObject({ data: { retryAfter } });
  }
  harness.environment.advance(1500);
  await harness.token(jwt);
});

test('S10 POST /logout refuses that JWT from then on and ends the user’s connections', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const again = await harness.login('ada');
  const connections = [await harness.ready(jwt), await harness.readyOriginal(again)];
  const waiting = await harness.open(jwt, ['two-stage.v1']);
  const bob = await harness.ready(await harness.login('bob'));

  const answer = await harness.post('/logout', undefined, jwt);
  expect(await answer.json()).toEqual({ status: 1, message: 'Logged out' });
  for (const connection of connections) {
    expect(await connection.closed).toEqual({ code: 4401, reason: 'logged out' });
  }
  waiting.sendJson({ type: 'jwt', token: jwt });
  expect((await waiting.closed).code).toBe(4401);
  expect((await harness.post('/token/ws', undefined, jwt)).status).toBe(401);
  expect((await harness.post('/logout', undefined, jwt)).status).toBe(401);
  await harness.ready(again);
  await bob.roundTrip();
});

test('S8 CORS admits the origins that the upgrade admits', async () => {
  const harness = await startServer({ origins: ['https://app.example'] });
  const jwt = await harness.login('ada');
  for (const path of ['/token/ws', '/login', '/logout']) {
    const from = (Origin: string, method: string): Promise<Response> =>
      harness.request(path, { method, headers: { Origin, Authorization: `Bearer ${jwt}` } });

    const preflight = await from('https://app.example', 'OPTIONS');
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('Access-Control-Allow-Origin')).toBe('https://app.example');
    expect(preflight.headers.get('Access-Control-Allow-Headers')).toMatch(/Authorization/);
    expect(preflight.headers.get('Access-Control-Allow-Methods')).toMatch(/POST/);

    for (const foreign of ['null', 'https://app.example.evil.example', harness.server.url]) {
      for (const method of ['OPTIONS', 'POST']) {
        const refused = await from(foreign, method);
        expect(refused.status).toBe(403);
        expect(refused.headers.get('Access-Control-Allow-Origin')).toBeNull();
        expect(refused.headers.get('Vary')).toBe('Origin');
      }
    }

    const answer = await from('https://app.example', 'POST');
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('https://app.example');
    expect(answer.headers.get('Access-Control-Expose-Headers')).toBe('Retry-After');
    expect(answer.headers.get('Access-Control-Allow-Credentials')).toBeNull();
  }
  await expect(
    openClient(harness.server.socketUrl, [], { Origin: harness.server.url }),
  ).rejects.toMatchObject({ status: 403 });
});

test('S12 an error that nobody expected ends one request, and is in the log', async () => {
  const tokenRate = async (user: string): Promise<number> => {
    if (user === 'ada') throw new Error('no');
    return 0;
  };
  const harness = await startServer({}, { services: { tokenRate } });
  const answer = await harness.post('/token/ws', undefined, await harness.login('ada'));
  expect(answer.status).toBe(500);
  expect(await answer.json()).toEqual({ status: 0, message: 'Internal server error' });
  expect(harness.logs.filter((line) => line.includes('a request failed'))).toHaveLength(1);
  await harness.token(await harness.login('bob'));
});

test('the page is served with a policy that lets it connect to its own server alone', async () => {
  const page = await mkdtemp(join(tmpdir(), 'demo-page-'));
  onTestFinished(() => rm(page, { recursive: true }));
  await writeFile(join(page, 'index.html'), '<!doctype html><title>The page</title>');
  const harness = await startServer({}, { page });
  const answer = await harness.request('/');
  expect(await answer.text()).toContain('The page');
  expect(answer.headers.get('Referrer-Policy')).toBe('no-referrer');
  const policy = answer.headers.get('Content-Security-Policy');
  expect(policy).toContain("default-src 'self'");
  expect(policy).toContain(`connect-src 'self' ${harness.server.url.replace('http', 'ws')} `);
  expect(policy).not.toContain('evil');
  // Nobody else's page may put it in a frame.
  expect(policy?.split(';')).toContain("frame-ancestors 'self'");
});

test('a page that was not built says what to do', async () => {
  const harness = await startServer({}, { page: join(tmpdir(), 'not-there') });
  const answer = await harness.request('/');
  expect(answer.status).toBe(503);
  expect(await answer.text()).toContain('npm start');
});

test('health says how many there are', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  await harness.ready(jwt);
  await harness.open(jwt);
  expect(await (await harness.request('/health')).json()).toEqual({
    status: 1,
    data: { ready: 1, unauthenticated: 1, tokenStore: 'up', fanOut: 'up', keys: 'up' },
  });
});

test('a plain request for the socket’s address, or an unknown one, is answered in the envelope', async () => {
  const harness = await startServer();
  const plain = await harness.request('/demo?token=x');
  expect([plain.status, plain.headers.get('Upgrade')]).toEqual([426, 'websocket']);
  const unknown = await harness.request('/nowhere');
  expect(unknown.status).toBe(404);
  expect(await unknown.json()).toEqual({ status: 0, message: 'Not found' });
});

/** The beginning of a request whose body never comes; the server says that it waits for it. */
const UNFINISHED = [
  'POST /login HTTP/1.1',
  'Host: localhost',
  'Expect: 100-continue',
  'Content-Type: application/json',
  'Content-Length: 50',
  '',
  '{',
].join('\r\n');

test('S9 a body that takes its time is ended', async () => {
  // The time is real: it is Node that looks at the clock, once a second.
  const harness = await startServer({ initTimeout: 100 });
  const raw = openRaw(harness.server.url);
  raw.socket.write(UNFINISHED);
  expect((await raw.ended).toString()).toContain('HTTP/1.1 408 ');
});

test('a close cuts off who is still asking, and lets go of what the server opened', async () => {
  const close = vi.fn(async () => {});
  const harness = await startServer({}, { services: { close } });
  const raw = openRaw(harness.server.url);
  raw.socket.write(UNFINISHED);
  await raw.until('100 Continue');
  await harness.server.close();
  expect((await raw.ended).toString()).not.toContain('408');
  expect(close).toHaveBeenCalled();
});
