import { describe, expect, onTestFinished, test } from 'vitest';
import { hasten, hold, message, open, state } from './contract.ts';
import { startParseLiveQuery } from './services/parse-live-query.ts';

hold({
  name: 'Parse LiveQuery',
  start: startParseLiveQuery,
  badToken: { stage: 'connect', code: 'connect-failed' },
  badPayload: { stage: 'init', code: 'unauthorized' },
  expires: true,
  async exchange(socket, server) {
    const subscribed = message(socket, ({ op }) => op === 'subscribed');
    socket.send({ op: 'subscribe', requestId: 1, query: { className: 'Note', where: {} } });
    await subscribed;
    const created = message(socket, ({ op }) => op === 'create');
    server.save('buy milk');
    expect(await created).toMatchObject({ requestId: 1, object: { text: 'buy milk' } });
  },
});

describe('Parse LiveQuery', () => {
  test('a refusal leaves the socket open, and is final all the same', async () => {
    const server = await startParseLiveQuery();
    onTestFinished(() => server.stop());
    const socket = open(hasten(server.optionsOfStranger()));
    const { failure } = await state(socket, 'closed');
    expect(failure).toMatchObject({ stage: 'init', code: 'unauthorized' });
    expect(failure?.closeCode).toBeUndefined();
    expect(server.upgrades).toBe(2);
  });
});
