import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasten, hold, message, open } from './contract.ts';
import { user } from './services/jwts.ts';
import { startSocketIo } from './services/socket.io.ts';

hold({
  name: 'socket.io',
  start: startSocketIo,
  badToken: { stage: 'connect', code: 'connect-failed' },
  badPayload: { stage: 'init', code: 'unauthorized' },
  expires: true,
  async exchange(socket) {
    const answer = message(socket, (one) => one[0] === 'user');
    socket.send(['whoami']);
    expect(await answer).toEqual(['user', user]);
  },
  withAck: (messages) => expect(messages[0]).toEqual(['welcome', user]),
});

describe('socket.io', () => {
  test('its pings are answered, and are no messages', async () => {
    const server = await startSocketIo(20);
    onTestFinished(() => server.stop());
    const connected = once(server.io.engine, 'connection');
    const socket = open(hasten(server.options()));
    const delivered: unknown[] = [];
    socket.on('message', (one) => delivered.push(one));
    const welcome = message(socket, ([name]) => name === 'welcome');
    const [connection] = await connected;
    for (let answers = 0; answers < 3; answers++) await once(connection, 'heartbeat');
    await welcome;
    expect(delivered).toEqual([['welcome', user]]);
  });
});
