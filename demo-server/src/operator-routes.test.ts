import { expect, test, vi } from 'vitest';
import { memoryFanOut } from './fan-out.ts';
import { StoreUnavailable } from './store-unavailable.ts';
import { startServer } from './testing/harness.ts';

const operatorToken = 'the-operator-of-these-tests-0123456789';

test('the operator sends to everybody, to one user, and keeps a user out', async () => {
  const harness = await startServer({ operatorToken });
  const jwt = await harness.login('ada');
  const ada = await harness.ready(jwt);
  const bob = await harness.ready(await harness.login('bob'));
  const order = async (path: string, body: unknown): Promise<void> => {
    const answer = await harness.post(`/operator${path}`, body, operatorToken);
    expect(await answer.json()).toEqual({ status: 1, message: 'Done' });
    expect(answer.headers.get('Cache-Control')).toBe('no-store');
  };
  await order('/broadcast', { data: [1, null] });
  expect(await ada.nextJson()).toEqual({ type: 'message', data: [1, null] });
  expect(await bob.nextJson()).toEqual({ type: 'message', data: [1, null] });
  await order('/send', { user: 'bob', data: 'psst' });
  expect(await bob.nextJson()).toEqual({ type: 'message', data: 'psst' });
  await order('/forbid', { user: 'ada' });
  expect((await ada.closed).code).toBe(4403);
  expect(ada.frames).toHaveLength(2);
  await order('/readmit', { user: 'ada' });
  await harness.ready(jwt);
});

test('without the operator’s token nothing is done', async () => {
  const harness = await startServer({ operatorToken });
  const jwt = await harness.login('ada');
  const client = await harness.ready(jwt);
  for (const token of [undefined, jwt, `${operatorToken}x`, operatorToken.slice(1)]) {
    for (const path of ['/broadcast', '/send', '/forbid', '/readmit', '/nowhere']) {
      const answer = await harness.post(`/operator${path}`, { user: 'ada', data: 1 }, token);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer');
    }
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    expect((await harness.request('/metrics', { headers })).status).toBe(401);
  }
  await client.roundTrip();
  expect(client.frames).toHaveLength(1);
});

test('an order that the broker cannot carry may be given again', async () => {
  const fanOut = memoryFanOut();
  vi.spyOn(fanOut, 'publish').mockRejectedValue(new StoreUnavailable('Redis', 'TIMEOUT'));
  const harness = await startServer({ operatorToken }, { services: { fanOut } });
  const answer = await harness.post('/operator/send', { user: 'ada', data: 1 }, operatorToken);
  expect(answer.status).toBe(503);
  expect(answer.headers.get('Retry-After')).toBe('3');
  expect(await answer.json()).toMatchObject({ status: 0, data: { retryAfter: 3000 } });
});

test('an order is given with POST alone', async () => {
  const harness = await startServer({ operatorToken });
  const headers = { Authorization: `Bearer ${operatorToken}` };
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await harness.request('/operator/forbid', { method, headers });
    expect([answer.status, answer.headers.get('Allow')]).toEqual([405, 'POST']);
  }
});

test('an order of 65,536 bytes is carried out, a larger one is refused', async () => {
  const harness = await startServer({ operatorToken });
  const client = await harness.ready(await harness.login('ada'));
  const around = JSON.stringify({ data: '' }).length;
  const order = (bytes: number): Promise<Response> =>
    harness.post('/operator/broadcast', { data: 'x'.repeat(bytes - around) }, operatorToken);
  expect((await order(65_536)).status).toBe(200);
  expect(await client.nextJson()).toMatchObject({ type: 'message' });
  expect((await order(65_537)).status).toBe(413);
  await client.roundTrip();
  expect(client.frames).toHaveLength(2);
});

test('where no operator is set, there is none', async () => {
  const harness = await startServer();
  for (const token of [undefined, 'undefined', '']) {
    const answer = await harness.post('/operator/forbid', { user: 'ada' }, token);
    expect(answer.status).toBe(404);
  }
});

test.each([
  ['/broadcast', {}, 'Expected a JSON object with data'],
  ['/broadcast', undefined, 'Expected a JSON object with data'],
  ['/broadcast', [1], 'Expected a JSON object with data'],
  ['/send', { data: 1 }, 'Expected a JSON object with user and data'],
  ['/send', { user: { $gt: '' }, data: 1 }, '"user" is no string'],
  ['/forbid', { user: null }, '"user" is no string'],
])('%s with %j is the operator’s mistake', async (path, body, message) => {
  const harness = await startServer({ operatorToken });
  const answer = await harness.post(`/operator${path}`, body, operatorToken);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toEqual({ status: 0, message });
});
