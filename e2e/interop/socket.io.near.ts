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
    const answered = Promise.withResolvers<void>();
    let answers = 0;
    server.io.engine.on('connection', (connection) =>
      connection.on('heartbeat', () => ++answers === 3 && answered.resolve()),
    );
    const socket = open(hasten(server.options()));
    const delivered: unknown[] = [];
    socket.on('message', (one) => delivered.push(one));
    await socket.ready();
    await answered.promise;
    expect(delivered).toEqual([['welcome', user]]);
  });
});
