import { randomUUID } from 'node:crypto';
import type { TwoStageSocket } from '@two-stage-socket/core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findDirectus, noDirectus } from '../../scripts/interop/directus.mjs';
import { hasten, hold, message, open, state } from './contract.ts';
import { type Directus, startDirectus } from './services/directus.ts';

const name = 'Directus';

/** Hears of a note that it has written itself. */
async function exchange(socket: TwoStageSocket<any, any>) {
  const uid = randomUUID();
  const heard = (event: string) =>
    message(socket, (given) => given?.uid === uid && given.event === event);
  const subscribed = heard('init');
  socket.send({ type: 'subscribe', collection: 'notes', event: 'create', uid });
  await subscribed;
  const created = heard('create');
  socket.send({ type: 'items', collection: 'notes', action: 'create', data: { text: uid } });
  expect(await created).toMatchObject({ data: [{ text: uid }] });
}

if (findDirectus()) {
  // One for all, for it takes long to start.
  let server: Directus;
  beforeAll(async () => {
    server = await startDirectus();
  });
  afterAll(() => server?.stop());

  describe(name, () => {
    test('a connection outlives its access token, and is not closed as one that is silent', async () => {
      const before = server.logins;
      const socket = open(hasten(server.options()));
      await socket.ready();
      const heard = vi.fn();
      socket.on('statechange', heard);
      socket.on('message', heard);
      await vi.waitFor(() => expect(server.logins - before).toBe(4), 20_000);
      expect(heard).not.toHaveBeenCalled();
      await exchange(socket);
    });

    test('a renewal that is refused ends the connection', async () => {
      const socket = open(hasten(server.options()));
      await socket.ready();
      const lost = state(socket, 'waiting');
      socket.configure(server.options('bad payload'));
      await expect(socket.renew()).rejects.toMatchObject({ code: 'unauthorized' });
      expect(await lost).toMatchObject({ failure: { stage: 'ready', code: 'unauthorized' } });
    });
  });

  hold({
    name,
    start: async () => server,
    exchange,
    badPayload: { stage: 'init', code: 'unauthorized' },
    expires: true,
    renew: (socket) => socket.renew(),
  });
} else {
  test.skip(`${name}: not run, ${noDirectus}`);
}
