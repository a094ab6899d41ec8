import { randomUUID } from 'node:crypto';
import type { TwoStageSocket } from '@two-stage-socket/core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findHomeAssistant, noHomeAssistant } from '../../scripts/interop/python.mjs';
import { hasten, hold, message, open, state } from './contract.ts';
import { type HomeAssistant, startHomeAssistant } from './services/home-assistant.ts';

const name = 'Home Assistant';

/** Hears of an event that it has fired itself. */
async function exchange(socket: TwoStageSocket<any, any>, { nextId }: HomeAssistant) {
  const event_type = randomUUID();
  const result = async (command: object) => {
    const id = nextId();
    const answer = message(socket, (given) => given?.type === 'result' && given.id === id);
    socket.send({ id, ...command });
    expect(await answer).toMatchObject({ success: true });
  };
  const event = message(socket, (given) => given?.event?.event_type === event_type);
  await result({ type: 'subscribe_events', event_type });
  await result({ type: 'fire_event', event_type, event_data: { said: 'hello' } });
  expect(await event).toMatchObject({ event: { data: { said: 'hello' } } });
}

if (findHomeAssistant()) {
  hold({
    name,
    start: startHomeAssistant,
    exchange,
    badPayload: { stage: 'init', code: 'unauthorized' },
    expires: true,
  });

  describe(name, () => {
    let server: HomeAssistant;
    beforeAll(async () => {
      server = await startHomeAssistant();
    });
    afterAll(() => server?.stop());

    test('a bad access token is asked for again once, however long the app would try', async () => {
      const before = server.upgrades ?? 0;
      const socket = open(hasten(server.options('bad payload'), Number.POSITIVE_INFINITY));
      await state(socket, 'closed');
      expect((server.upgrades ?? 0) - before).toBe(2);
    });

    test('its pongs keep a connection, and are not told to the app', async () => {
      const { heartbeat, ...options } = hasten(server.options());
      const ping = vi.fn(heartbeat ? heartbeat.ping : undefined);
      const socket = open({ ...options, heartbeat: { ...heartbeat, ping, interval: 50 } });
      const heard = vi.fn();
      socket.on('message', heard);
      socket.on('error', heard);
      await vi.waitFor(() => expect(ping.mock.calls.length).toBeGreaterThan(5));
      expect(ping.mock.results[0]?.value).toMatchObject({ type: 'ping' });
      expect(heard).not.toHaveBeenCalled();
      await exchange(socket, server);
    });

    test('a user who is logged out loses the connection, and gets none again', async () => {
      const socket = open(hasten(server.options(), Number.POSITIVE_INFINITY));
      await socket.ready();
      const lost = state(socket, 'waiting');
      await server.logOut();
      expect(await lost).toMatchObject({ failure: { stage: 'ready', closeCode: 1006 } });
      const { failure } = await state(socket, 'closed');
      expect(failure).toMatchObject({ stage: 'init', code: 'unauthorized' });
    });
  });
} else {
  test.skip(`${name}: not run, ${noHomeAssistant}`);
}
