import { describe, expect, test } from 'vitest';
import { atPace, hasten, hold, message, open, state } from './contract.ts';
import { type FakeKraken, signKraken, startFakeKraken } from './documented/kraken.ts';
import { own, serverOf } from './documented/server.ts';
import { kraken } from './recipes/kraken.ts';

let nonce = Date.now();

/** What an app has to do by itself: the signed call. Kraken answers 200 to one that it refuses, too. */
async function getWebSocketsToken({ api, apiKey, apiSecret }: FakeKraken): Promise<string> {
  const path = '/0/private/GetWebSocketsToken';
  const body = `nonce=${++nonce}`;
  const response = await fetch(api + path, {
    method: 'POST',
    headers: { 'API-Key': apiKey, 'API-Sign': signKraken(path, body, apiSecret) },
    body,
  });
  const { error, result } = await response.json();
  if (!error.length) return result.token;
  throw Object.assign(new Error(error[0]), /^EAPI:/.test(error[0]) && { status: 401 });
}

async function start(beat?: number) {
  const fake = await startFakeKraken(beat);
  return serverOf(fake, 'as documented in 2026', (wrong) => {
    if (wrong === 'expired token') fake.spoil();
    const getToken = wrong === 'bad payload' ? () => 'none' : () => getWebSocketsToken(fake);
    return kraken({ url: `ws://${fake.host}/v2`, getToken });
  });
}

const startHere = (beat?: number) => own(start(beat));

hold({
  name: 'Kraken',
  start,
  badPayload: { stage: 'init', code: 'unauthorized' },
  expires: true,
  async exchange(socket, { fake }) {
    const update = message(socket, (one) => one.channel === 'executions' && one.type === 'update');
    fake.execute({ order_id: 'O2', exec_type: 'filled' });
    expect(await update).toMatchObject({ data: [{ order_id: 'O2' }], sequence: 2 });
  },
  withAck: (messages) =>
    expect(messages[0]).toMatchObject({ channel: 'executions', type: 'snapshot', sequence: 1 }),
});

describe('Kraken', () => {
  test('an API key that is refused is final, and says so', async () => {
    const server = await startHere();
    const getToken = () => getWebSocketsToken({ ...server.fake, apiKey: 'another' });
    const socket = open(hasten(kraken({ url: `ws://${server.fake.host}/v2`, getToken })));
    const { failure } = await state(socket, 'closed');
    expect(failure).toMatchObject({
      stage: 'init',
      code: 'unauthorized',
      status: 401,
      cause: { message: 'EAPI:Invalid key' },
    });
    expect(server.upgrades).toBeLessThanOrEqual(1);
  });

  test('a service that is unavailable is no refusal, and named by its shape', async () => {
    const server = await startHere();
    server.fake.fail('EService:Unavailable');
    const socket = open({ ...hasten(server.options(), 10), timeouts: { init: 300 } });
    expect(await state(socket, 'waiting')).toMatchObject({
      failure: { stage: 'init', code: 'init-timeout', received: expect.stringContaining('error') },
    });
    await socket.ready();
  });

  test('heartbeats are no messages', async () => {
    const server = await startHere(10);
    const socket = open(hasten(server.options()));
    const delivered: any[] = [];
    socket.on('message', (one) => delivered.push(one.type));
    for (let i = 0; i < 3; i++) await server.fake.beat();
    const update = message(socket, (one) => one.type === 'update');
    server.fake.execute({ order_id: 'O2', exec_type: 'filled' });
    await update;
    expect(delivered).toEqual(['snapshot', 'update']);
  });

  test('a connection that has gone silent is given up', async () => {
    const server = await startHere();
    const socket = open(atPace(hasten(server.options()), 50));
    await socket.ready();
    server.fake.silence();
    expect(await state(socket, 'waiting')).toMatchObject({
      failure: { stage: 'ready', code: 'heartbeat-timeout' },
    });
  });
});
