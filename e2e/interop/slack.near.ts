import type { TwoStageSocket } from '@two-stage-socket/core';
import { describe, expect, test } from 'vitest';
import { hasten, hold, message, open, state } from './contract.ts';
import { own, serverOf } from './documented/server.ts';
import { startFakeSlack } from './documented/slack.ts';
import { slack } from './recipes/slack.ts';

async function start(patience?: number) {
  const fake = await startFakeSlack(patience);
  return serverOf(fake, 'as documented in 2026', (wrong) => {
    if (wrong === 'expired token') fake.spoil();
    const appToken = wrong === 'bad token' ? 'xapp-0' : fake.appToken;
    return slack({ api: fake.api, getAppToken: () => appToken });
  });
}

const startHere = (patience?: number) => own(start(patience));

/** What an app does: acknowledges at once, and goes where the server sends it. */
function behave(socket: TwoStageSocket<any, any>) {
  socket.on('message', ({ envelope_id, type }) => {
    if (envelope_id) socket.send({ envelope_id });
    if (type === 'disconnect') socket.reconnect();
  });
  return socket;
}

hold({
  name: 'Slack Socket Mode',
  start,
  badToken: { stage: 'token', code: 'unauthorized' },
  expires: true,
  async exchange(socket, { fake }) {
    const mention = message(socket, (one) => one?.payload?.event?.type === 'app_mention');
    const acknowledged = fake.event({ type: 'app_mention', text: 'hello' });
    const { envelope_id } = await mention;
    socket.send({ envelope_id });
    await acknowledged;
  },
});

describe('Slack Socket Mode', () => {
  test('an event that comes with the hello is not lost, and the hello is no message', async () => {
    const server = await startHere();
    const acknowledged = server.fake.event({ type: 'message' });
    const socket = behave(open(hasten(server.options())));
    const delivered: string[] = [];
    socket.on('message', ({ type }) => delivered.push(type));
    expect(await acknowledged).toBe(1);
    expect(delivered).toEqual(['events_api']);
  });

  test('an event that is not acknowledged in time comes again', async () => {
    const server = await startHere(300);
    const socket = open(hasten(server.options()));
    await socket.ready();
    const first = message(socket, (one) => one.type === 'events_api');
    const second = message(socket, (one) => one.retry_attempt === 1);
    const acknowledged = server.fake.event({ type: 'message' });
    const { envelope_id } = await first;
    expect((await second).envelope_id).toBe(envelope_id);
    socket.send({ envelope_id });
    expect(await acknowledged).toBe(2);
  });

  test.each(['warning', 'refresh_requested'])(
    'an app that is told to disconnect, %s, is back before it would have to be',
    async (reason) => {
      const server = await startHere();
      const socket = behave(open(hasten(server.options())));
      await socket.ready();
      const left = state(socket, 'fetching-token');
      server.fake.disconnect(reason, 10_000);
      await left;
      await socket.ready();
      expect(server.upgrades).toBe(2);
      expect(await server.fake.event({ type: 'message' })).toBeGreaterThanOrEqual(1);
    },
  );

  test('an app that does not heed it is back after the end, by a URL of its own', async () => {
    const server = await startHere();
    const socket = open(hasten(server.options()));
    await socket.ready();
    const lost = state(socket, 'waiting');
    server.fake.disconnect('refresh_requested', 0);
    expect(await lost).toMatchObject({ failure: { stage: 'ready', code: 'connection-lost' } });
    await socket.ready();
    expect(server.upgrades).toBe(2);
  });

  test.each(['account_inactive', 'user_removed_from_team', 'team_disabled'])(
    '%s is final',
    async (error) => {
      const server = await startHere();
      server.fake.fail({ error });
      const socket = open(hasten(server.options(), Number.POSITIVE_INFINITY));
      const { failure } = await state(socket, 'closed');
      expect(failure).toMatchObject({
        stage: 'token',
        code: 'unauthorized',
        cause: { message: error },
      });
      expect(server.upgrades).toBe(0);
    },
  );

  test('any other error is tried again', async () => {
    const server = await startHere();
    server.fake.fail({ error: 'internal_error' });
    const socket = open(hasten(server.options()));
    expect(await state(socket, 'waiting')).toMatchObject({
      failure: { stage: 'token', code: 'token-failed', cause: { message: 'internal_error' } },
    });
    await socket.ready();
  });

  test('a rate limit is waited out', async () => {
    const server = await startHere();
    server.fake.fail({ retryAfter: 30 });
    const socket = open(hasten(server.options()));
    const { failure, retryAt = 0 } = await state(socket, 'waiting');
    expect(failure).toMatchObject({ stage: 'token', status: 429, retryAfter: 30_000 });
    expect(retryAt - Date.now()).toBeGreaterThan(29_000);
  });
});
