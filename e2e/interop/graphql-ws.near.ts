import { EventEmitter, once } from 'node:events';
import type { TwoStageSocket } from '@two-stage-socket/core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { hasten, hold, message, open, state } from './contract.ts';
import { type Hooks, startGraphqlWs } from './services/graphql-ws.ts';
import { user } from './services/jwts.ts';

/** What an operation gives, up to its end. */
async function ask(socket: TwoStageSocket<any, any>, id: string, query: string) {
  const given: unknown[] = [];
  const off = socket.on('message', (one) => {
    if (one?.id === id && one.type === 'next') given.push(one.payload.data);
  });
  const complete = message(socket, (one) => one?.id === id && one.type === 'complete');
  socket.send({ id, type: 'subscribe', payload: { query } });
  await complete;
  off();
  return given;
}

hold({
  name: 'graphql-ws',
  start: startGraphqlWs,
  badToken: { stage: 'connect', code: 'connect-failed' },
  badPayload: { stage: 'init', code: 'forbidden' },
  expires: true,
  async exchange(socket) {
    expect(await ask(socket, 'q', '{ user }')).toEqual([{ user }]);
    const counted = await ask(socket, 's', 'subscription { countdown(from: 3) }');
    expect(counted).toEqual([{ countdown: 3 }, { countdown: 2 }, { countdown: 1 }]);
  },
});

/** A server of the test's own. */
async function start(hooks: Hooks = {}) {
  const server = await startGraphqlWs(hooks);
  onTestFinished(() => server.stop());
  return server;
}

describe('graphql-ws', () => {
  test('a ping of ours is answered, and one of theirs', async () => {
    const heard = new EventEmitter();
    const server = await start({
      onPing: () => void heard.emit('ping'),
      onPong: () => void heard.emit('pong'),
    });
    const socket = open(hasten(server.options()));
    const delivered: unknown[] = [];
    socket.on('message', (one) => delivered.push(one));
    await socket.ready();
    const ponged = once(heard, 'pong');
    for (const ws of server.clients) ws.send('{"type":"ping"}');
    await ponged;
    const pinged = once(heard, 'ping');
    socket.check();
    await pinged;
    await ask(socket, 'q', '{ user }');
    // The pong of the server came before what the query gave.
    expect(delivered).toMatchObject([{ type: 'next' }, { type: 'complete' }]);
  });

  test('nothing is sent before the ack', async () => {
    const server = await start();
    const socket = open(hasten(server.options()));
    expect(await ask(socket, 'early', '{ user }')).toEqual([{ user }]);
    expect(server.upgrades).toBe(1);
  });

  test('a server that fails over the JWT, 4500, is given up after two tries', async () => {
    vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => void vi.restoreAllMocks());
    const server = await start({
      onConnect() {
        throw new Error('the database is down');
      },
    });
    const socket = open(hasten(server.options()));
    const { failure } = await state(socket, 'closed');
    expect(failure).toMatchObject({ stage: 'init', code: 'init-dropped', closeCode: 4500 });
    expect(server.upgrades).toBe(2);
  });

  test('a server that never answers the JWT is waited for only so long', async () => {
    const server = await start({ onConnect: () => new Promise(() => {}) });
    const socket = open({ ...hasten(server.options(), 1), timeouts: { init: 100 } });
    const { failure } = await state(socket, 'closed');
    expect(failure).toMatchObject({ stage: 'init', code: 'init-timeout' });
    expect(failure?.closeCode).toBeUndefined();
  });

  test('a server that waits for no slow JWT says so with 4408', async () => {
    const server = await start({ connectionInitWaitTimeout: 50 });
    const initPayload = () => new Promise(() => {});
    const socket = open({ ...hasten(server.options(), 1), initPayload });
    const { failure } = await state(socket, 'closed');
    expect(failure).toMatchObject({ stage: 'init', code: 'init-timeout', closeCode: 4408 });
  });

  test.each([
    { sent: 'no JSON', closeCode: 4400, code: 'protocol-error', status: 'closed' },
    { sent: { type: 'connection_init' }, closeCode: 4429, code: 'server-busy', status: 'waiting' },
  ] as const)('$closeCode is $code', async ({ sent, status, ...expected }) => {
    const server = await start();
    const socket = open(hasten(server.options()));
    await socket.ready();
    socket.send(sent);
    const { failure } = await state(socket, status);
    expect(failure).toMatchObject({ stage: 'ready', ...expected });
  });
});
