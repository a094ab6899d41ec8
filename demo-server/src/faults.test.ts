import { expect, test } from 'vitest';
import { noFaults } from './faults.ts';
import { openClient, openRaw, UpgradeRefused, upgradeRequest } from './testing/client.ts';
import { startServer } from './testing/harness.ts';

const on = { faults: true, initTimeout: 10_000 };

test('the fault switches are not there unless they were asked for', async () => {
  const harness = await startServer();
  expect((await harness.request('/faults')).status).toBe(404);
  expect((await harness.post('/faults', { init: 'drop' })).status).toBe(404);
});

test('switches are shown, set for everybody or for one user, and reset', async () => {
  const harness = await startServer(on);
  const shown = async (query = ''): Promise<unknown> =>
    ((await (await harness.request(`/faults${query}`)).json()) as { data: unknown }).data;
  expect(await shown()).toEqual(noFaults);
  const answer = await harness.post('/faults', { init: 'drop', tokenExpiresIn: 5 });
  expect(await answer.json()).toEqual({
    status: 1,
    data: { ...noFaults, init: 'drop', tokenExpiresIn: 5 },
  });
  await harness.post('/faults', { user: 'ada', init: 'reject' });
  expect(await shown()).toMatchObject({ init: 'drop' });
  expect(await shown('?user=ada')).toMatchObject({ init: 'reject', tokenExpiresIn: 5 });
  await harness.post('/faults', { user: 'ada', action: 'reset' });
  expect(await shown('?user=ada')).toMatchObject({ init: 'drop' });
  await harness.post('/faults', { action: 'reset' });
  expect(await shown()).toEqual(noFaults);
});

test.each([
  [{ init: 'explode' }, '"init" cannot be "explode"'],
  [{ innit: 'drop' }, 'There is no fault switch "innit"'],
  [{ constructor: 1 }, 'There is no fault switch "constructor"'],
  [{ action: 'close', code: 1006 }, '"code" cannot be 1006'],
  [{ action: 'close', reason: 'ü'.repeat(62) }, `"reason" cannot be "${'ü'.repeat(62)}"`],
  [{ tokenExpiresIn: 0 }, '"tokenExpiresIn" cannot be 0'],
  [{ retryAfter: -1 }, '"retryAfter" cannot be -1'],
  [[], undefined],
])('a wrong order says what is wrong: %j', async (order, message) => {
  const harness = await startServer(on);
  const answer = await harness.post('/faults', order);
  if (message === undefined) return;
  expect(answer.status).toBe(400);
  expect(await answer.json()).toEqual({ status: 0, message });
});

test('the token route refuses, breaks and hangs', async () => {
  const harness = await startServer(on);
  const jwt = await harness.login('ada');
  const mint = (): Promise<Response> => harness.post('/token/ws', undefined, jwt);
  await harness.post('/faults', { tokenRoute: '401' });
  expect((await mint()).status).toBe(401);
  await harness.post('/faults', { tokenRoute: '503', retryAfter: 1500 });
  const busy = await mint();
  expect([busy.status, busy.headers.get('Retry-After')]).toEqual([503, '2']);
  expect(await busy.json()).toMatchObject({ data: { retryAfter: 1500 } });
  await harness.post('/faults', { tokenRoute: 'down' });
  await expect(mint()).rejects.toThrow();
  await harness.post('/faults', { tokenRoute: 'ok' });
  await harness.post('/faults', { tokenRoute: 'hang', user: 'ada' });
  const unanswered = expect(mint()).rejects.toThrow();
  // Long enough for an answer, if there were one.
  await harness.token(await harness.login('bob'));
  await harness.server.close();
  await unanswered;
});

test('tokens get another expiry and reuse, JWTs another expiry', async () => {
  const harness = await startServer(on);
  await harness.post('/faults', { tokenExpiresIn: 500, tokenReusable: true, jwtExpiresIn: 2000 });
  const jwt = await harness.login('ada');
  expect(await harness.token(jwt)).toMatchObject({ expiresIn: 500, reusable: true });
  const client = await harness.ready(jwt);
  harness.environment.advance(2000);
  expect((await client.closed).code).toBe(4401);
});

test('an upgrade is refused like a bad token, or hangs', async () => {
  const harness = await startServer(on);
  const jwt = await harness.login('ada');
  await harness.post('/faults', { upgrade: 'refuse', user: 'ada' });
  await expect(harness.open(jwt)).rejects.toMatchObject({ status: 401 });
  await harness.ready(await harness.login('bob'));
  const { token } = await harness.token(jwt);
  await harness.post('/faults', { upgrade: 'hang', user: 'ada' });
  const unanswered = expect(openClient(harness.address(token))).rejects.not.toBeInstanceOf(
    UpgradeRefused,
  );
  await harness.server.close();
  await unanswered;
});

test('who gives up on an upgrade that hangs gives a place back', async () => {
  const harness = await startServer({ ...on, maxUnauthenticated: 1 });
  const jwt = await harness.login('ada');
  await harness.post('/faults', { upgrade: 'hang' });
  const { token } = await harness.token(jwt);
  const raw = openRaw(harness.server.url);
  raw.socket.write(upgradeRequest(`/demo?token=${token}`));
  raw.socket.end();
  await raw.ended;
  await harness.post('/faults', { action: 'reset' });
  await harness.ready(jwt);
});

test('an init is rejected, dropped, or hangs until the deadline', async () => {
  const harness = await startServer(on);
  const jwt = await harness.login('ada');
  const tryInit = async (protocols: string[]) => {
    const client = await harness.open(jwt, protocols);
    client.sendJson({ type: 'jwt', token: jwt });
    return client;
  };
  await harness.post('/faults', { init: 'reject' });
  expect((await (await tryInit(['two-stage.v1'])).closed).code).toBe(4401);
  expect((await (await tryInit([])).closed).code).toBe(1006);
  await harness.post('/faults', { init: 'drop' });
  expect((await (await tryInit(['two-stage.v1'])).closed).code).toBe(1006);
  await harness.post('/faults', { init: 'hang' });
  const hanging = await tryInit(['two-stage.v1']);
  harness.environment.advance(10_000);
  expect((await hanging.closed).code).toBe(4408);
  expect(hanging.frames).toEqual([]);
});

test('a server made to speak the original wire neither names nor selects the other', async () => {
  const harness = await startServer(on);
  const jwt = await harness.login('ada');
  await harness.post('/faults', { wire: 'original' });
  expect(await harness.token(jwt)).not.toHaveProperty('protocol');
  // As `ws`, Chromium and Node do when nothing they offered is selected.
  await expect(harness.open(jwt, ['two-stage.v1'])).rejects.toThrow('no subprotocol');
  await harness.readyOriginal(jwt);
});

test.each(['expire-tokens', 'spend-tokens'])(
  '%s makes the tokens minted so far bad',
  async (action) => {
    const harness = await startServer(on);
    const [ada, bob] = [await harness.login('ada'), await harness.login('bob')];
    const [first, second] = [await harness.token(ada), await harness.token(bob)];
    await harness.post('/faults', { action, user: 'ada' });
    await expect(openClient(harness.address(first.token))).rejects.toMatchObject({ status: 401 });
    await openClient(harness.address(second.token));
  },
);

test('connections are killed, closed with any code, or told to go away', async () => {
  const harness = await startServer(on);
  const [ada, bob] = [await harness.login('ada'), await harness.login('bob')];
  const killed = await harness.ready(ada);
  const spared = await harness.ready(bob);
  await harness.post('/faults', { action: 'kill-connections', user: 'ada' });
  expect((await killed.closed).code).toBe(1006);

  const closed = await harness.readyOriginal(ada);
  await harness.post('/faults', { action: 'close', code: 4403, reason: 'revoked', user: 'ada' });
  expect(await closed.closed).toEqual({ code: 4403, reason: 'revoked' });

  const leaving = await harness.readyOriginal(ada);
  await harness.post('/faults', { action: 'go-away' });
  expect(await spared.nextJson()).toEqual({
    type: 'going-away',
    retryAfter: 2000,
    deadline: 5000,
  });
  await spared.roundTrip();
  harness.environment.advance(5000);
  for (const client of [spared, leaving]) {
    expect(await client.closed).toEqual({ code: 1012, reason: 'retry-after=2000' });
  }
});
