import type { TwoStageSocket } from '@two-stage-socket/core';
import { describe, expect, test } from 'vitest';
import { atPace, hasten, hold, message, open, state } from './contract.ts';
import { startFakeWebPubSub } from './documented/azure-web-pubsub.ts';
import { own, serverOf } from './documented/server.ts';
import { azureWebPubSub } from './recipes/azure-web-pubsub.ts';

async function start() {
  const fake = await startFakeWebPubSub();
  const { negotiateUrl } = fake;
  return serverOf(fake, 'as documented in 2026', (wrong) => {
    if (wrong === 'expired token') fake.spoil('expired');
    const getHeaders = () => {
      if (wrong === 'bad token') fake.spoil('forged');
      return { Authorization: `Bearer ${fake.appToken}` };
    };
    return azureWebPubSub({ negotiateUrl, getHeaders });
  });
}

const startHere = () => own(start());

/** Sends a request, and resolves with its ack. */
async function ask(socket: TwoStageSocket<any, any>, ackId: number, request: object) {
  const ack = message(socket, (one) => one.type === 'ack' && one.ackId === ackId);
  socket.send({ ...request, ackId });
  return ack;
}

hold({
  name: 'Azure Web PubSub',
  start,
  badToken: { stage: 'connect', code: 'connect-failed' },
  expires: true,
  async exchange(socket) {
    const joined = await ask(socket, 1, { type: 'joinGroup', group: 'room' });
    expect(joined).toEqual({ type: 'ack', ackId: 1, success: true });
    const heard = message(socket, (one) => one.type === 'message');
    await ask(socket, 2, { type: 'sendToGroup', group: 'room', dataType: 'text', data: 'hello' });
    expect(await heard).toMatchObject({ from: 'group', data: 'hello', fromUserId: 'user1' });
  },
});

describe('Azure Web PubSub', () => {
  test('a user whom the app’s server does not know gets no URL', async () => {
    const server = await startHere();
    const { negotiateUrl } = server.fake;
    const socket = open(hasten(azureWebPubSub({ negotiateUrl, getHeaders: () => ({}) })));
    const { failure } = await state(socket, 'closed');
    expect(failure).toMatchObject({ stage: 'token', code: 'unauthorized', status: 401 });
    expect(server.upgrades).toBe(0);
  });

  test('a client that the service declines is tried once more', async () => {
    const server = await startHere();
    server.fake.decline('not now');
    const socket = open(hasten(server.options()));
    expect(await state(socket, 'waiting')).toMatchObject({
      failure: { stage: 'init', code: 'unauthorized' },
    });
    await socket.ready();
  });

  test('the reason of an end is told, and another URL brings it back', async () => {
    const server = await startHere();
    const socket = open(hasten(server.options()));
    await socket.ready();
    const told = message(socket, (one) => one.event === 'disconnected');
    const lost = state(socket, 'waiting');
    server.fake.closeAll('maintenance');
    expect((await told).message).toBe('maintenance');
    expect(await lost).toMatchObject({ failure: { stage: 'ready', code: 'connection-lost' } });
    const heard = message(socket, (one) => one.from === 'server');
    await socket.ready();
    server.fake.sendToAll({ hello: 'again' });
    expect((await heard).data).toEqual({ hello: 'again' });
    expect(server.upgrades).toBe(2);
  });

  test('what a request may not do is in its ack', async () => {
    const server = await startHere();
    const socket = open(hasten(server.options()));
    await socket.ready();
    const error = async (ackId: number, group: string) =>
      (await ask(socket, ackId, { type: 'joinGroup', group })).error?.name;
    expect(await error(1, 'room')).toBeUndefined();
    expect(await error(1, 'room')).toBe('Duplicate');
    expect(await error(2, 'another')).toBe('Forbidden');
  });

  test('pongs are no messages', async () => {
    const server = await startHere();
    const socket = open(hasten(server.options()));
    const delivered: any[] = [];
    socket.on('message', (one) => delivered.push(one.type));
    await socket.ready();
    socket.check();
    await ask(socket, 1, { type: 'joinGroup', group: 'room' });
    expect(delivered).toEqual(['ack']);
  });

  test('a service that answers no pings is given up', async () => {
    const server = await startHere();
    const socket = open(atPace(hasten(server.options()), 30));
    await socket.ready();
    server.fake.silence();
    expect(await state(socket, 'waiting')).toMatchObject({
      failure: { stage: 'ready', code: 'heartbeat-timeout' },
    });
  });
});
