import type { TwoStageSocket } from '@two-stage-socket/core';
import { describe, expect, test } from 'vitest';
import { hasten, hold, message, open, state } from './contract.ts';
import { startFakePhoenix } from './documented/phoenix.ts';
import { own, serverOf } from './documented/server.ts';
import { phoenix } from './recipes/phoenix.ts';

const topic = 'room:lobby';

async function start(timeout?: number) {
  const fake = await startFakePhoenix(timeout);
  return serverOf(fake, '1.8, as documented', (wrong) => {
    let lifetime = wrong === 'expired token' ? 0 : 60_000;
    return phoenix({
      endpoint: `ws://${fake.host}/socket`,
      topic,
      getToken() {
        const token = wrong === 'bad token' ? 'none' : fake.token(lifetime);
        lifetime = 60_000;
        return token;
      },
      getParams: () => ({ token: wrong === 'bad payload' ? 'none' : fake.joinToken }),
    });
  });
}

const startHere = (timeout?: number) => own(start(timeout));

/** Pushes to the channel, and resolves with the reply. */
async function ask(socket: TwoStageSocket<any, any>, ref: string, event: string, payload: object) {
  const reply = message(socket, (one) => one[1] === ref && one[3] === 'phx_reply');
  socket.send(['1', ref, topic, event, payload]);
  return (await reply)[4];
}

hold({
  name: 'Phoenix channels',
  start,
  badToken: { stage: 'connect', code: 'connect-failed' },
  badPayload: { stage: 'init', code: 'unauthorized' },
  expires: true,
  async exchange(socket, { fake }) {
    const reply = await ask(socket, '2', 'echo', { text: 'hello' });
    expect(reply).toEqual({ status: 'ok', response: { text: 'hello' } });
    const broadcast = message(socket, (one) => one[3] === 'new_msg');
    fake.broadcast(topic, 'new_msg', { text: 'to all' });
    expect(await broadcast).toEqual([null, null, topic, 'new_msg', { text: 'to all' }]);
  },
  withAck: (messages) => expect(messages[0]).toEqual(['1', null, topic, 'presence_state', {}]),
});

describe('Phoenix channels', () => {
  test('heartbeats keep a connection that has nothing else to say, and are no messages', async () => {
    const server = await startHere(1500);
    const { heartbeat, ...options } = hasten(server.options());
    const socket = open({ ...options, heartbeat: { ...(heartbeat || {}), interval: 500 } });
    const delivered: any[] = [];
    socket.on('message', (one) => delivered.push(one[3]));
    for (let i = 0; i < 4; i++) await server.fake.beat();
    expect(socket.getSnapshot().status).toBe('ready');
    expect(delivered).toEqual(['presence_state']);
  });

  test('a connection without heartbeats is ended by the server, and comes back', async () => {
    const server = await startHere(300);
    const socket = open(hasten({ ...server.options(), heartbeat: false }));
    await socket.ready();
    expect(await state(socket, 'waiting')).toMatchObject({
      failure: { stage: 'ready', code: 'connection-lost', closeCode: 1000 },
    });
    await socket.ready();
  });

  test.each([
    { how: 'disconnect', code: 'connection-lost', closeCode: 1001 },
    { how: 'drain', code: 'server-busy', closeCode: 1012 },
  ] as const)('$how ends it with $closeCode, and it joins again', async ({ how, ...expected }) => {
    const server = await startHere();
    const socket = open(hasten(server.options()));
    await socket.ready();
    const lost = state(socket, 'waiting');
    server.fake.leave(how);
    expect(await lost).toMatchObject({ failure: { stage: 'ready', ...expected } });
    await socket.ready();
    expect((await ask(socket, '2', 'echo', {})).status).toBe('ok');
  });

  test.each([
    { how: 'crash', event: 'phx_error' },
    { how: 'close', event: 'phx_close' },
  ] as const)('a channel that ends, $event, is the app’s to join again', async ({ how, event }) => {
    const server = await startHere();
    const socket = open(hasten(server.options()));
    await socket.ready();
    const end = message(socket, (one) => one[3] === event);
    server.fake.end(topic, how);
    expect((await end).slice(0, 3)).toEqual(['1', '1', topic]);
    expect(await ask(socket, '2', 'echo', {})).toMatchObject({
      response: { reason: 'unmatched topic' },
    });
    socket.reconnect();
    await socket.ready();
    expect((await ask(socket, '3', 'echo', {})).status).toBe('ok');
    expect(server.upgrades).toBe(2);
  });

  test('a topic that the app does not have is a refusal', async () => {
    const server = await startHere();
    const options = { ...server.options(), initPayload: ['1', '1', 'other', 'phx_join', {}] };
    const { failure } = await state(open(hasten(options)), 'closed');
    expect(failure).toMatchObject({ stage: 'init', code: 'unauthorized' });
  });
});
