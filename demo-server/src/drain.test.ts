import { setImmediate } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { openClient, UpgradeRefused } from './testing/client.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { startServer } from './testing/harness.ts';
import { memoryTokens } from './tokens.ts';

test('S13 a stop lets clients move first, then closes with a time to come back', async () => {
  const harness = await startServer({ drainTimeout: 10_000 });
  const jwt = await harness.login('ada');
  const mover = await harness.ready(jwt);
  const stayer = await harness.ready(jwt);
  const original = await harness.readyOriginal(jwt);
  const waiting = await harness.open(jwt, ['two-stage.v1']);
  const { token } = await harness.token(jwt);

  const stopped = harness.server.stop();
  const notice = { type: 'going-away', retryAfter: 1250, deadline: 5000 };
  expect(await mover.nextJson()).toEqual(notice);
  expect(await stayer.nextJson()).toEqual(notice);
  // These two have no words for it, or nothing to lose.
  const restart = { code: 1012, reason: 'retry-after=5000' };
  expect(await original.closed).toEqual(restart);
  expect(await waiting.closed).toEqual(restart);
  expect(waiting.frames).toEqual([]);

  // Nothing new comes in, and everybody is told when to try again.
  const refusal = await openClient(harness.address(token)).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(UpgradeRefused);
  expect(refusal).toMatchObject({ status: 503, headers: { 'retry-after': '3' } });
  expect((await harness.request('/ready')).status).toBe(503);
  expect((await harness.request('/health')).status).toBe(200);
  const minting = await harness.post('/token/ws', undefined, jwt);
  expect(minting.status).toBe(503);
  expect(await minting.json()).toMatchObject({ data: { retryAfter: 5000 } });

  // Meanwhile the others are served.
  stayer.sendJson({ type: 'message', data: 'hi' });
  expect(await stayer.nextJson()).toEqual({ type: 'message', data: 'echo: hi' });
  mover.socket.close();
  await mover.closed;
  harness.environment.advance(5000);
  expect(await stayer.closed).toEqual(restart);
  await stopped;
});

test('S13 a hundred clients under load are told nothing they cannot come back from', async () => {
  const harness = await startServer({ broadcastEvery: 100, tokensPerMinute: 0 });
  const jwt = await harness.login('ada');
  const clients = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      n % 2 === 0 ? harness.ready(jwt) : harness.readyOriginal(jwt),
    ),
  );
  for (const client of clients) client.sendJson({ type: 'message', data: 'load' });
  const late = harness.open(jwt).then(
    (client) => client.closed,
    (error: unknown) => error,
  );

  let spread = 0;
  harness.environment.random = () => {
    // The golden ratio's multiples never meet.
    spread = (spread + 0.618034) % 1;
    return spread;
  };
  const stopped = harness.server.stop();
  harness.environment.advance(5000);
  const codes = await Promise.all(clients.map((client) => client.closed));
  await stopped;

  expect(new Set(codes.map(({ code }) => code))).toEqual(new Set([1012]));
  expect(new Set(codes.map(({ reason }) => reason)).size).toBe(100);
  expect(codes.every(({ reason }) => /^retry-after=\d+$/.test(reason))).toBe(true);
  const outcome = await late;
  if (outcome instanceof UpgradeRefused) expect(outcome.status).toBe(503);
  else expect(outcome).not.toBeInstanceOf(UpgradeRefused);
});

test('S13 a client that ignores everything is cut off at DRAIN_TIMEOUT', async () => {
  const harness = await startServer({ drainTimeout: 10_000 });
  const client = await harness.ready(await harness.login('ada'));
  client.socket.pause();
  const stopped = harness.server.stop();
  harness.environment.advance(5000);
  // The second half is waited for in the turn after the first.
  await setImmediate();
  expect(harness.environment.armed).toBe(1);
  harness.environment.advance(5000);
  await stopped;
});

test('S13 an upgrade that was under way when the stop began is told to come back', async () => {
  const environment = fakeEnvironment();
  const tokens = memoryTokens(environment);
  const harness = await startServer({}, { environment, services: { tokens } });
  const jwt = await harness.login('ada');
  const witness = await harness.ready(jwt);
  const { token } = await harness.token(jwt);
  let stopped: Promise<void> | undefined;
  vi.spyOn(tokens, 'take').mockImplementationOnce(async () => {
    stopped = harness.server.stop();
    return 'ada';
  });
  environment.nextRandom = 0.75;
  const late = await openClient(harness.address(token));
  expect(await late.closed).toEqual({ code: 1012, reason: 'retry-after=7500' });
  // Meanwhile the stop waits for who is being served.
  await witness.roundTrip();
  witness.socket.close();
  await stopped;
});

test('S13 the spread grows with the crowd when the rate of return is known', async () => {
  const harness = await startServer({ drainTimeout: 0, admitRate: 2, tokensPerMinute: 0 });
  const jwt = await harness.login('ada');
  const clients = [await harness.ready(jwt), await harness.ready(jwt)];
  harness.environment.nextRandom = 0.999;
  const stopped = harness.server.stop();
  for (const client of clients) {
    expect(await client.closed).toEqual({ code: 1012, reason: 'retry-after=999' });
  }
  await stopped;
});

test('a server with no connections stops at once', async () => {
  const harness = await startServer();
  await harness.server.stop();
});

test('S13 a stop first says so at /ready, for DRAIN_DELAY, and serves on meanwhile', async () => {
  const harness = await startServer({ drainDelay: 1500, drainTimeout: 0 });
  const jwt = await harness.login('ada');
  const client = await harness.ready(jwt);
  const stopping = harness.server.stop();
  const answer = await harness.request('/ready');
  expect([answer.status, answer.headers.get('Connection')]).toEqual([503, 'close']);
  const late = await harness.ready(jwt);
  harness.environment.advance(1499);
  await late.roundTrip();
  expect(client.frames).toHaveLength(1);
  harness.environment.advance(1);
  for (const { closed } of [client, late]) expect((await closed).code).toBe(1012);
  await stopping;
});
