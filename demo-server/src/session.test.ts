import { decodeJwt, SignJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import { memoryRevocations } from './revocations.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { startServer } from './testing/harness.ts';
import { TWO_STAGE } from './wire.ts';

test('an echo of a string says so, of any other value is that value, of bytes the bytes', async () => {
  const harness = await startServer();
  const client = await harness.ready(await harness.login('ada'));
  const values = [{ nested: [1, { deep: true }] }, ['a'], 42, true, null, ''];
  for (const data of values) client.sendJson({ type: 'message', data });
  for (const data of values) {
    const echoed = typeof data === 'string' ? `echo: ${data}` : data;
    expect(await client.nextJson()).toEqual({ type: 'message', data: echoed });
  }
  client.sendJson({ type: 'message' });
  expect(await client.nextJson()).toEqual({ type: 'message', data: null });
  client.send(Buffer.from([0, 255, 7]));
  expect(await client.next()).toEqual(Buffer.from([0, 255, 7]));
});

test('the application may send whatever looks like a control frame', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const client = await harness.ready(jwt);
  client.sendJson({ type: 'message', data: { type: 'ping' } });
  expect(await client.nextJson()).toEqual({ type: 'message', data: { type: 'ping' } });

  const original = await harness.readyOriginal(jwt);
  for (const frame of ['{"type":"ping"}', `{"type":"jwt","token":"bad"}`, '{', '']) {
    original.send(frame);
    expect(await original.next()).toBe(`echo: ${frame}`);
  }
});

test('a ping is answered by a pong, and types it does not know are ignored', async () => {
  const harness = await startServer();
  const client = await harness.ready(await harness.login('ada'));
  client.sendJson({ type: 'resume', from: 7 });
  client.sendJson({ type: 'pong' });
  client.sendJson({ type: 'ping', and: 'more' });
  expect(await client.nextJson()).toEqual({ type: 'pong' });
});

test.each([
  'hello',
  '',
  '[]',
  'null',
  '{}',
  '{"type":1}',
  '{"type":"jwt"}',
  '{"type":"jwt","token":{}}',
  '{"__proto__":{"type":"ping"}}',
])('%j on a ready connection is a bad frame', async (frame) => {
  const harness = await startServer();
  const client = await harness.ready(await harness.login('ada'));
  client.send(frame);
  client.sendJson({ type: 'message', data: 'not handled any more' });
  expect((await client.closed).code).toBe(4400);
  expect(client.frames).toHaveLength(1);
});

test('a message nested too deep to be written again ends one connection', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const client = await harness.ready(jwt);
  const witness = await harness.ready(jwt);
  const depth = 200_000;
  client.send(`{"type":"message","data":${'['.repeat(depth)}${']'.repeat(depth)}}`);
  expect(await client.closed).toEqual({ code: 1011, reason: 'internal error' });
  witness.sendJson({ type: 'ping' });
  expect(await witness.nextJson()).toEqual({ type: 'pong' });
});

test('S10 a JWT that expires without having been renewed ends its connection', async () => {
  const harness = await startServer({ jwtExpiresIn: 60_000 });
  const jwt = await harness.login('ada');
  const clients = [await harness.ready(jwt), await harness.readyOriginal(jwt)];
  harness.environment.advance(59_999);
  for (const client of clients) await client.roundTrip();
  harness.environment.advance(1);
  for (const client of clients) {
    expect(await client.closed).toEqual({ code: 4401, reason: 'the JWT expired' });
  }
});

test('a JWT that expires beyond what a timer can wait is kept an eye on', async () => {
  const environment = { days: 24 * 3_600_000 };
  const harness = await startServer({ jwtExpiresIn: 2 ** 31 - 1 });
  // Its whole seconds are rounded up, so that it lives longer than a timer can.
  const client = await harness.ready(await harness.login('ada'));
  harness.environment.advance(24 * environment.days);
  await client.roundTrip();
  harness.environment.advance(environment.days);
  expect((await client.closed).code).toBe(4401);
});

test('a JWT is renewed in place and answered by another ready', async () => {
  const harness = await startServer({ jwtExpiresIn: 60_000 });
  const client = await harness.ready(await harness.login('ada'));
  harness.environment.advance(50_000);
  client.sendJson({ type: 'jwt', token: await harness.login('ada') });
  client.sendJson({ type: 'message', data: 'not held up' });
  const answers = [await client.nextJson(), await client.nextJson()];
  expect(answers).toContainEqual({ type: 'ready', user: 'ada', expiresIn: 60_000, heartbeat: 0 });
  expect(answers).toContainEqual({ type: 'message', data: 'echo: not held up' });

  // The old one's time passes; the new one's counts.
  harness.environment.advance(59_999);
  await client.roundTrip();
  harness.environment.advance(1);
  expect((await client.closed).code).toBe(4401);
});

test('a renewal with a bad JWT is unauthorized', async () => {
  const harness = await startServer();
  const client = await harness.ready(await harness.login('ada'));
  client.sendJson({ type: 'jwt', token: 'bad' });
  expect(await client.closed).toEqual({ code: 4401, reason: 'unauthorized' });
});

test('S4 a renewal with another user’s JWT is forbidden', async () => {
  const harness = await startServer();
  const client = await harness.ready(await harness.login('ada'));
  client.sendJson({ type: 'jwt', token: await harness.login('bob') });
  expect(await client.closed).toEqual({ code: 4403, reason: 'forbidden' });
});

test('of two renewals in a row the later one counts', async () => {
  const jwtSecret = 'a secret of the tests, which has more than 32 bytes';
  const harness = await startServer({ jwtSecret });
  const jwt = await harness.login('ada');
  const claims = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
  const shorter = await new SignJWT({ ...claims, exp: claims.iat + 60 })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(jwtSecret));
  const client = await harness.ready(jwt);
  client.sendJson({ type: 'jwt', token: jwt });
  client.sendJson({ type: 'jwt', token: shorter });
  expect(await client.nextJson()).toMatchObject({ expiresIn: 3_600_000 });
  expect(await client.nextJson()).toMatchObject({ expiresIn: 60_000 });
  harness.environment.advance(60_000);
  expect((await client.closed).code).toBe(4401);
});

test('nothing is left of a connection whose client is gone', async () => {
  const harness = await startServer({ individualEvery: 1000 });
  const client = await harness.open(await harness.login('ada'), [TWO_STAGE]);
  expect(harness.environment.armed).toBe(1);
  client.sendJson({ type: 'jwt', token: await harness.login('ada') });
  await client.next();
  expect(harness.environment.armed).toBe(2);
  client.socket.terminate();
  await harness.logged('connection ended');
  expect(await (await harness.request('/health')).json()).toMatchObject({
    data: { ready: 0, unauthenticated: 0, tokenStore: 'up', fanOut: 'up', keys: 'up' },
  });
  expect(harness.environment.armed).toBe(0);
});

test('S9 of renewals that come faster than they are verified only the last one waits', async () => {
  const environment = fakeEnvironment();
  const revocations = memoryRevocations(environment);
  const harness = await startServer({}, { environment, services: { revocations } });
  const jwt = await harness.login('ada');
  const last = await harness.login('ada');
  const client = await harness.ready(jwt);
  const asked: string[] = [];
  const verdicts: (() => void)[] = [];
  vi.spyOn(revocations, 'check').mockImplementation(({ id }) => {
    asked.push(id);
    return new Promise((resolve) => verdicts.push(() => resolve('good')));
  });
  for (let n = 0; n < 50; n += 1) client.sendJson({ type: 'jwt', token: jwt });
  client.sendJson({ type: 'jwt', token: last });
  await client.roundTrip();
  await vi.waitUntil(() => verdicts.length === 1);
  verdicts[0]?.();
  expect(await client.nextJson()).toMatchObject({ type: 'ready' });
  await vi.waitUntil(() => verdicts.length === 2);
  verdicts[1]?.();
  expect(await client.nextJson()).toMatchObject({ type: 'ready' });
  await client.roundTrip();
  expect(asked).toEqual([jwt, last].map((one) => decodeJwt(one).jti));
});
