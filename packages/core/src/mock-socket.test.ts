import { WebSocket as MockWebSocket, Server } from 'mock-socket';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WebSocketConstructor } from './types.ts';
import { createWebSocket } from './websocket.ts';

// What matters of mock-socket 9: its server ends sockets that have never been CLOSING, an upgrade that it refuses
// closes with 1000 and not 1006, what has been closed still sends, views of bytes become text, and each step takes
// a timer of 4 ms. So it serves tests that look at what an app sees of the class, as these do; for the states in
// between, for binary and for time there is `createFakeServer`.

const url = 'wss://chat.test/room';
let server: Server;
let refusals: number;
let clients: { readonly url: string; readonly client: any }[];

beforeEach(() => {
  // A query is not part of what it listens to.
  refusals = 0;
  server = new Server(url, { mock: false, verifyClient: () => --refusals < 0 });
  clients = [];
  server.on('connection', (client) => {
    clients.push({ url: client.url, client });
    client.on('message', (data) => {
      if (data === '{"type":"jwt","token":"jwt-1"}') client.send('authentication successful');
      else if (String(data).includes('"jwt"'))
        client.close({ code: 4403, reason: '', wasClean: true });
      else client.send(`echo: ${data}`);
    });
  });
});

afterEach(() => new Promise<void>((resolve) => server.stop(resolve)));

function open({ jwt = 'jwt-1', maxAttempts = 1 } = {}) {
  let tokens = 0;
  const Chat = createWebSocket({
    getToken: () => `token-${++tokens}`,
    initPayload: { type: 'jwt', token: jwt },
    retry: { maxAttempts, initialDelay: 20, minDelay: 20, maxDelay: 20 },
    WebSocket: MockWebSocket as unknown as WebSocketConstructor,
  });
  const chat = new Chat(url);
  const next = <T = any>(type: string) =>
    new Promise<T>((resolve) => chat.addEventListener(type, resolve as any, { once: true }));
  return { chat, next };
}

test('mock-socket serves the class: open is after the ack, and frames go both ways', async () => {
  const { chat, next } = open();
  expect(chat.readyState).toBe(chat.CONNECTING);
  await next('open');
  expect(chat.readyState).toBe(chat.OPEN);
  expect(clients.map((client) => client.url)).toEqual([`${url}?token=token-1`]);
  const answer = next('message');
  chat.send('hello');
  expect((await answer).data).toBe('echo: hello');
  const closed = next('close');
  chat.close();
  expect((await closed).type).toBe('close');
  expect(chat.readyState).toBe(chat.CLOSED);
});

test('a refusal of its server is an error and a close', async () => {
  const { chat, next } = open({ jwt: 'bad' });
  const [, closed] = await Promise.all([next('error'), next('close')]);
  expect(closed.code).toBe(4403);
  expect(chat.readyState).toBe(chat.CLOSED);
});

test('a close of its server is heard', async () => {
  const { next } = open();
  await next('open');
  const closed = next('close');
  clients[0]?.client.close({ code: 4001, reason: 'over', wasClean: true });
  expect(await closed).toMatchObject({ code: 4001, reason: 'over' });
});

test('an upgrade that its server refuses is tried again with another token', async () => {
  refusals = 1;
  const { next } = open({ maxAttempts: 2 });
  await next('open');
  expect(clients.map((client) => client.url)).toEqual([`${url}?token=token-2`]);
});
