import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { openRaw, textFrame, upgradeRequest } from './testing/client.ts';
import { startServer } from './testing/harness.ts';
import { TWO_STAGE, twoStageWire } from './wire.ts';

test('S9 a message above MAX_FRAME ends its connection', async () => {
  const harness = await startServer({ maxFrame: 20_000 });
  const jwt = await harness.login('ada');
  const client = await harness.readyOriginal(jwt);
  const witness = await harness.readyOriginal(jwt);
  client.send('x'.repeat(20_000));
  expect(await client.next()).toHaveLength(20_006);
  client.send('x'.repeat(20_001));
  expect((await client.closed).code).toBe(1009);
  witness.send('unharmed');
  expect(await witness.next()).toBe('echo: unharmed');
});

test('S9 messages above MESSAGES_PER_SECOND end their connection on both wires', async () => {
  const harness = await startServer({ messagesPerSecond: 10 });
  const jwt = await harness.login('ada');
  for (const client of [await harness.ready(jwt), await harness.readyOriginal(jwt)]) {
    // The burst is twice the rate, and the init payload was its first.
    for (let n = 1; n <= 20; n += 1) client.sendJson({ type: 'message', data: n });
    expect(await client.closed).toEqual({ code: 4429, reason: 'retry-after=1000' });
    expect(client.frames).toHaveLength(20);
  }
  const steady = await harness.ready(jwt);
  for (let n = 1; n <= 50; n += 1) {
    harness.environment.advance(100);
    steady.sendJson({ type: 'message', data: n });
    expect(await steady.nextJson()).toEqual({ type: 'message', data: n });
  }
});

test.each(['ping', 'pong'] as const)('S9 each WebSocket %s counts as a message', async (kind) => {
  const harness = await startServer({ messagesPerSecond: 10 });
  const client = await harness.open(await harness.login('ada'));
  for (let n = 0; n <= 20; n += 1) client.socket[kind]();
  expect(await client.closed).toEqual({ code: 4429, reason: 'retry-after=1000' });
});

test('S9 connections above MAX_CONNECTIONS of a user are told when to come back', async () => {
  const harness = await startServer({ maxConnections: 2 });
  const ada = await harness.login('ada');
  const bob = await harness.login('bob');
  const first = await harness.ready(ada);
  await harness.readyOriginal(ada);
  for (const protocols of [['two-stage.v1'], []]) {
    const client = await harness.open(ada, protocols);
    client.sendJson({ type: 'jwt', token: ada });
    expect(await client.closed).toEqual({ code: 4429, reason: 'retry-after=5000' });
    expect(client.frames).toEqual([]);
  }
  await harness.ready(bob);
  first.socket.close();
  await first.closed;
  await harness.ready(ada);
});

test('S9 a slow consumer is dropped, not buffered for ever', async () => {
  const harness = await startServer({ messagesPerSecond: 0 });
  const jwt = await harness.login('ada');
  const slow = await harness.readyOriginal(jwt);
  const witness = await harness.readyOriginal(jwt);
  slow.socket.pause();
  const megabyte = Buffer.alloc(1_000_000);
  // More than the buffers of the network take: at some point the server's own fill.
  for (let n = 0; n < 64; n += 1) slow.socket.send(megabyte);
  await once(slow.socket, 'close').catch(() => {});
  expect((await slow.closed).code).toBe(1006);
  expect(harness.logs.join('')).toContain('slow consumer');
  witness.send('unharmed');
  expect(await witness.next()).toBe('echo: unharmed');
});

test('S7 nothing is handled once it has ended, although `ws` still delivers it', async () => {
  const decode = vi.spyOn(twoStageWire, 'decode');
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const { token } = await harness.token(jwt);
  const raw = openRaw(harness.server.url);
  raw.socket.write(upgradeRequest(`/demo?token=${token}`, { 'Sec-WebSocket-Protocol': TWO_STAGE }));
  await raw.until('\r\n\r\n');
  const message = textFrame(JSON.stringify({ type: 'message', data: 'too late' }));
  // Once with what was held back behind the init payload, once on a ready connection.
  raw.socket.write(
    Buffer.concat([
      textFrame(JSON.stringify({ type: 'jwt', token: jwt })),
      textFrame('garbage'),
      ...Array.from({ length: 100 }, () => message),
    ]),
  );
  await raw.until('not JSON');
  expect(decode).toHaveBeenCalledTimes(1);
  raw.socket.destroy();

  const client = await harness.ready(jwt);
  decode.mockClear();
  for (let n = 0; n < 100; n += 1) client.send('garbage');
  expect((await client.closed).code).toBe(4400);
  expect(decode).toHaveBeenCalledTimes(1);
});

test('S9 a client that pings and never reads the answers is ended', async () => {
  const harness = await startServer({ messagesPerSecond: 0 });
  const jwt = await harness.login('ada');
  const witness = await harness.ready(jwt);
  const { token } = await harness.token(jwt);
  const raw = openRaw(harness.server.url);
  raw.socket.write(upgradeRequest(`/demo?token=${token}`));
  await raw.until('\r\n\r\n');
  raw.socket.write(textFrame(JSON.stringify({ type: 'jwt', token: jwt })));
  await raw.until('authentication successful');
  raw.socket.pause();
  // A ping of 125 bytes, with a mask of zeros.
  const ping = Buffer.concat([Buffer.from([0x89, 0xfd, 0, 0, 0, 0]), Buffer.alloc(125)]);
  const pings = Buffer.concat(Array.from({ length: 1000 }, () => ping));
  const flood = (): void => {
    while (raw.socket.write(pings));
  };
  raw.socket.on('drain', flood);
  flood();
  await harness.logged('connection ended');
  raw.socket.destroy();
  await witness.roundTrip();
});

test('S9 a message of endless empty frames is ended', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const { token } = await harness.token(jwt);
  const raw = openRaw(harness.server.url);
  raw.socket.write(upgradeRequest(`/demo?token=${token}`));
  await raw.until('\r\n\r\n');
  raw.socket.write(textFrame(JSON.stringify({ type: 'jwt', token: jwt })));
  await raw.until('authentication successful');
  const first = Buffer.from([0x01, 0x80, 0, 0, 0, 0]);
  const more = Buffer.from([0x00, 0x80, 0, 0, 0, 0]);
  raw.socket.write(Buffer.concat([first, ...Array.from({ length: 2000 }, () => more)]));
  // Policy violation (RFC 6455, section 7.4.1): what `ws` makes of it.
  await raw.until(Buffer.from([0x03, 0xf0]));
  raw.socket.destroy();
});
