import { once } from 'node:events';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { createDemoServer } from './server.ts';
import { openRaw, upgradeRequest } from './testing/client.ts';
import { startServer } from './testing/harness.ts';

test('S14 permessage-deflate is off, whatever the client offers', async () => {
  const harness = await startServer();
  const { token } = await harness.token(await harness.login('ada'));
  const raw = openRaw(harness.server.url);
  raw.socket.write(
    upgradeRequest(`/demo?token=${token}`, {
      'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
    }),
  );
  await raw.until('\r\n\r\n');
  expect(raw.received().toString()).toMatch(/^HTTP\/1\.1 101 /);
  expect(raw.received().toString()).not.toMatch(/sec-websocket-extensions/i);
  raw.socket.destroy();
});

test('S11 a run of everything leaves no secret in the logs', async () => {
  // The harness looks for them after every test; this one makes sure that there was something.
  const harness = await startServer({ faults: true, heartbeat: 1000, broadcastEvery: 1000 });
  const jwt = await harness.login('ada');
  const original = await harness.readyOriginal(jwt);
  const client = await harness.ready(jwt);
  client.sendJson({ type: 'jwt', token: jwt });
  await client.next();
  original.send(jwt);
  await original.next();
  client.send(`${jwt}`);
  await client.closed;
  const refused = openRaw(harness.server.url);
  refused.socket.write(upgradeRequest(`/demo?token=${(await harness.token(jwt)).token}x`));
  await refused.ended;
  const broken = openRaw(harness.server.url);
  broken.socket.write(`GET /demo?token=${(await harness.token(jwt)).token} NONSENSE\r\n\r\n`);
  await broken.ended;
  await harness.request('/token/ws', {
    method: 'POST',
    headers: { Authorization: `Bearer ${jwt}`, 'Content-Type': 'application/json' },
    body: `{"token":"${jwt}`,
  });
  await harness.request(`/login?token=${jwt}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: `{"username":${jwt}`,
  });
  await harness.post('/logout', undefined, jwt);
  await original.closed;
  await harness.server.stop();
  const logs = harness.logs.join('');
  for (const message of ['listening', 'connection ready', 'connection ended', 'upgrade refused']) {
    expect(logs).toContain(message);
  }
});

test('a client that resets its connection at any point takes nothing along', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  for (const wait of [false, true]) {
    const raw = openRaw(harness.server.url);
    raw.socket.write(upgradeRequest(`/demo?token=${(await harness.token(jwt)).token}`));
    if (wait) await raw.until('\r\n\r\n');
    raw.socket.resetAndDestroy();
    await raw.ended;
  }
  const client = await harness.ready(jwt);
  await client.roundTrip();
});

test('a frame that breaks the WebSocket protocol ends one connection', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const witness = await harness.ready(jwt);
  const raw = openRaw(harness.server.url);
  raw.socket.write(upgradeRequest(`/demo?token=${(await harness.token(jwt)).token}`));
  await raw.until('\r\n\r\n');
  // Unmasked, with a reserved opcode.
  raw.socket.write(Buffer.from([0x8f, 0x01, 0x00]));
  await raw.until(Buffer.from([0x03, 0xea]));
  raw.socket.destroy();
  await witness.roundTrip();
});

test('a port that is taken rejects, and the server can be given another', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const server = createDemoServer({ port });
  await expect(server.listen()).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('addresses are those a browser can open', async () => {
  const harness = await startServer({ host: '0.0.0.0' });
  expect(harness.server.url).toMatch(/^http:\/\/localhost:\d+$/);
  expect(harness.server.socketUrl).toBe(`${harness.server.url.replace('http', 'ws')}/demo`);
  expect(() => createDemoServer().url).toThrow('does not listen');
});

test('closing twice, or before it listens, does no harm', async () => {
  const server = createDemoServer({ port: 0 });
  await server.close();
  await server.listen();
  await server.close();
  await server.close();
});

test('S12 without the keys of an identity provider nobody is sent here, and the log says why', async () => {
  const unused = createServer().listen(0, '127.0.0.1');
  await once(unused, 'listening');
  const { port } = unused.address() as { port: number };
  unused.close();
  await once(unused, 'close');
  const harness = await startServer({
    jwksUrl: `http://127.0.0.1:${port}/keys`,
    jwtIssuer: 'https://id.example/',
    jwtAudience: 'chat',
  });
  const ready = await harness.request('/ready');
  expect([ready.status, await ready.json()]).toEqual([
    503,
    { status: 0, message: 'The keys of the identity provider cannot be had' },
  ]);
  const health = (await (await harness.request('/health')).json()) as { data: { keys: string } };
  expect(health.data.keys).toBe('down');
  const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.AAAA';
  expect((await harness.post('/token/ws', undefined, jwt)).status).toBe(503);
  await harness.logged('a JWT could not be verified');
});

test('with the keys of an identity provider its JWTs go through both stages', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const provider = createServer(async (_request, response) => {
    response.end(JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: '1' }] }));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void provider.close());
  await once(provider, 'listening');
  const { port } = provider.address() as { port: number };
  const harness = await startServer({
    jwksUrl: `http://127.0.0.1:${port}/keys`,
    jwtIssuer: 'https://id.example/',
    jwtAudience: 'chat',
    jwtAlgorithms: ['ES256'],
  });
  const now = harness.environment.now() / 1000;
  const sign = (changes: object): Promise<string> =>
    new SignJWT({
      sub: 'somebody@id.example',
      iss: 'https://id.example/',
      aud: 'chat',
      exp: now + 60,
      ...changes,
    })
      .setProtectedHeader({ alg: 'ES256', kid: '1' })
      .sign(privateKey);
  const jwt = await sign({});
  const client = await harness.ready(jwt);

  client.sendJson({ type: 'jwt', token: await sign({ exp: now + 120 }) });
  const user = 'somebody@id.example';
  expect(await client.nextJson()).toMatchObject({ type: 'ready', user, expiresIn: 120_000 });
  // There is nobody to log in here, but whoever came can leave.
  expect((await harness.post('/login', { username: 'ada', password: 'ada' })).status).toBe(404);
  expect((await harness.post('/logout', undefined, jwt)).status).toBe(200);
  expect((await client.closed).code).toBe(4401);
  expect((await harness.post('/token/ws', undefined, jwt)).status).toBe(401);
  expect((await harness.post('/token/ws', undefined, await sign({ aud: 'mail' }))).status).toBe(
    401,
  );
});

test.each([
  [{ origins: ['https://app.example/'] }],
  [{ tokenStore: 'postgres://db' }],
  [{ tokenStore: 'redis' }],
])('%j is refused before anything is opened', (settings) => {
  expect(() => createDemoServer(settings)).toThrow(TypeError);
});
