import { flushSync, mount, unmount } from 'svelte';
import { get } from 'svelte/store';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { frames, until } from '../../contract/frames.ts';
import { createServer, type Server } from '../../contract/server.ts';
import {
  createSocketContext,
  reducedMessages,
  TwoStageSocket,
  twoStageSocket,
  useMessage,
} from './index.ts';
import Boundary from './testing/Boundary.svelte';
import Calls from './testing/Calls.svelte';

let server: Server;

beforeEach(() => {
  server = createServer();
});

describe('as a store', () => {
  test('tells the state at once and after each change, and holds the socket meanwhile', async () => {
    const chat = twoStageSocket(server.options);
    const seen: string[] = [];
    const off = chat.subscribe(({ status }) => seen.push(status));
    expect(seen).toHaveLength(1);
    await until(() => server.dialled.length === 1);
    await server.admit();
    await until(() => seen.at(-1) === 'ready');

    off();
    await frames(1);
    await server.advance(1000);
    expect(server.live()).toEqual([]);
    expect(seen.at(-1)).toBe('ready');
  });

  test('shares one connection with the runes', async () => {
    const chat = twoStageSocket(server.options);
    const off = chat.subscribe(() => {});
    const stop = $effect.root(() => {
      $effect(() => void chat.current);
    });
    await until(() => server.dialled.length === 1);
    await server.admit();
    off();
    await frames(1);
    await server.advance(60_000);
    expect(server.live()).toHaveLength(1);
    stop();
    await frames(1);
    await server.advance(1000);
    expect(server.live()).toEqual([]);
    expect(server.tokenCalls).toHaveLength(1);
  });
});

describe('read outside of effects', () => {
  test('current and socket hold nothing', async () => {
    const chat = twoStageSocket(server.options);
    expect(chat.current).toEqual({ status: 'idle' });
    expect(chat.socket).toBeInstanceOf(TwoStageSocket);
    await frames(2);
    expect(server.tokenCalls).toEqual([]);

    chat.socket.connect();
    await server.admit();
    expect(chat.current.status).toBe('ready');
    chat.socket.close();
  });
});

describe('in an effect', () => {
  test('socket depends on no state, so that what is sent there is sent once', async () => {
    let room = $state('a');
    const chat = twoStageSocket(() => ({ ...server.options, key: room }));
    const entered: string[] = [];
    const stop = $effect.root(() => {
      $effect(() => void chat.current);
      $effect(() => {
        chat.socket.send(entered.push('entered'));
      });
    });
    await until(() => server.dialled.length === 1);
    await server.admit();
    server.last().drop();
    await frames(2);
    expect(entered).toHaveLength(1);

    room = 'b';
    await frames(2);
    expect(entered).toHaveLength(2);
    stop();
    await frames(1);
    await server.advance(1000);
  });

  test('what getToken reads when it is called ties nothing to it', async () => {
    let jwt = $state('jwt-1');
    const chat = twoStageSocket({ ...server.options, getToken: () => `token for ${jwt}` });
    const stop = $effect.root(() => {
      $effect(() => void chat.current);
    });
    await until(() => server.dialled.length === 1);
    await server.admit();
    chat.socket.close();
    jwt = '';
    flushSync();
    await frames(2);
    expect(chat.current.status).toBe('closed');
    expect(server.dialled).toHaveLength(1);
    stop();
  });
});

describe('reduced messages', () => {
  test('go on from the value before when somebody looks again', async () => {
    const socket = new TwoStageSocket(server.options);
    socket.connect();
    await server.admit();
    const feed = reducedMessages(socket, (count) => count + 1, 0);
    const run = vi.fn();
    const off = feed.subscribe(run);
    server.send('a', 'b');
    await until(() => run.mock.lastCall?.[0] === 2);
    off();
    await frames(1);
    expect(get(feed)).toBe(2);

    const offAgain = feed.subscribe(run);
    server.send('c');
    await until(() => run.mock.lastCall?.[0] === 3);
    offAgain();
    socket.close();
  });
});

test.each([
  ['neither a socket nor options', () => twoStageSocket(undefined as any).current],
  ['no socket to listen to', () => useMessage(undefined as any, () => {})],
  ['no provider above', createSocketContext('Chat')[1]],
])('%s is one clear error', (_, wrong) => {
  const target = document.createElement('div');
  expect(() => mount(Calls, { target, props: { wrong } })).toThrow(
    /^TwoStageSocket: (expected a socket or|no component above)/,
  );
});

test('a socket that has closed with a failure is for the error boundary, where asked for', async () => {
  const target = document.createElement('div');
  const app = mount(Boundary, { target, props: { source: server.options } });
  await until(() => server.dialled.length === 1);
  await server.admit();
  await until(() => target.textContent?.trim() === 'ready');
  server.last().drop(4403);
  await until(() => target.textContent?.trim().startsWith('forbidden') === true);
  await unmount(app);
});

test('$inspect shows each state', async () => {
  const seen: string[] = [];
  const chat = twoStageSocket(server.options);
  const stop = $effect.root(() => {
    $inspect(chat.current).with((_, { status }) => seen.push(status));
    $effect(() => void chat.current);
  });
  await until(() => server.dialled.length === 1);
  await server.admit();
  await until(() => seen.at(-1) === 'ready');
  expect(seen).toContain('authenticating');
  stop();
});

test('what the app says to configure stays where the options are given once', async () => {
  const getToken = vi.fn(() => 'a newer token');
  const chat = twoStageSocket(server.options);
  const off = chat.subscribe(() => {});
  await until(() => server.dialled.length === 1);
  await server.admit();
  chat.socket.configure({ getToken });
  expect(chat.current.status).toBe('ready');
  server.last().drop();
  await server.advance(2000);
  expect(getToken).toHaveBeenCalledTimes(1);
  off();
});

test('a getter that gives the same socket again makes nobody listen anew', async () => {
  const shared = new TwoStageSocket(server.options);
  const on = vi.spyOn(shared, 'on');
  let room = $state('a');
  const target = document.createElement('div');
  const wrong = () =>
    useMessage(
      () => (room ? shared : shared),
      () => {},
    );
  const app = mount(Calls, { target, props: { wrong } });
  flushSync();
  expect(on).toHaveBeenCalledTimes(1);
  room = 'b';
  flushSync();
  await frames(2);
  expect(on).toHaveBeenCalledTimes(1);
  await unmount(app);
});

test('two contexts of one name do not mix', () => {
  const [provide] = createSocketContext('Chat');
  const [, use] = createSocketContext('Chat');
  const wrong = () => {
    provide(server.options);
    use();
  };
  expect(() => mount(Calls, { target: document.createElement('div'), props: { wrong } })).toThrow(
    'TwoStageSocket: no component above provides Chat',
  );
});
