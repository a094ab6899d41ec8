import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  createApp,
  effectScope,
  getCurrentInstance,
  h,
  KeepAlive,
  nextTick,
  onErrorCaptured,
  reactive,
  ref,
  shallowRef,
  watchEffect,
} from 'vue';
import { frames, until } from '../../contract/frames.ts';
import { createServer, type Server } from '../../contract/server.ts';
import {
  createSocketContext,
  orThrow,
  TwoStageSocket,
  useMessage,
  useReducedMessages,
  useTwoStageSocket,
} from './index.ts';

let server: Server;

beforeEach(() => {
  server = createServer();
});

describe('outside of components', () => {
  test('a scope holds the socket open until it is disposed', async () => {
    const scope = effectScope();
    const onMessage = vi.fn();
    const { state, total } = scope.run(() => {
      const { state, socket } = useTwoStageSocket(server.options);
      useMessage(socket, onMessage);
      return { state, total: useReducedMessages(socket, (count) => count + 1, 0) };
    }) as any;
    expect(state.value).toEqual({ status: 'idle' });
    await until(() => server.dialled.length === 1);
    await server.admit();
    expect(state.value.status).toBe('ready');

    server.send('a', 'b');
    expect(onMessage).toHaveBeenCalledTimes(2);
    await until(() => total.value === 2);

    scope.stop();
    server.send('c');
    expect(onMessage).toHaveBeenCalledTimes(2);
    await server.advance(1000);
    expect(server.live()).toEqual([]);
  });

  test('a store that a component was the first to use outlives it', async () => {
    const scope = effectScope(true);
    const app = createApp({
      setup() {
        scope.run(() => useTwoStageSocket(server.options));
        return () => null;
      },
    });
    app.mount(document.createElement('div'));
    await until(() => server.dialled.length === 1);
    await server.admit();
    app.unmount();
    await server.advance(60_000);
    expect(server.live()).toHaveLength(1);

    scope.stop();
    await server.advance(1000);
    expect(server.live()).toEqual([]);
  });
});

describe('options', () => {
  test.each([
    ['a reactive object', () => reactive<any>({ ...server.options })],
    ['a ref', () => ref<any>({ ...server.options })],
  ])('in %s are noticed when they are changed in place', async (_, create) => {
    const scope = effectScope();
    const options = create();
    scope.run(() => useTwoStageSocket(options));
    await until(() => server.dialled.length === 1);
    await server.admit();

    const getToken = vi.fn(() => 'a newer token');
    ((options.value ?? options) as any).getToken = getToken;
    await nextTick();
    expect(server.dialled).toHaveLength(1);
    server.last().drop();
    await server.advance(1000);
    expect(getToken).toHaveBeenCalledTimes(1);

    ((options.value ?? options) as any).url = 'wss://chat.test/another';
    await until(() => server.last().url.includes('another'));
    scope.stop();
    await server.advance(1000);
    expect(server.live()).toEqual([]);
  });

  test('that read what is reactive when they are called tie nothing to it', async () => {
    const jwt = ref('jwt-1');
    const scope = effectScope();
    const socket = new TwoStageSocket({
      ...server.options,
      getToken: () => `token for ${jwt.value}`,
    });
    scope.run(() => useTwoStageSocket(socket));
    await until(() => server.dialled.length === 1);
    await server.admit();

    socket.close();
    jwt.value = '';
    await frames(2);
    expect(socket.getSnapshot().status).toBe('closed');
    expect(server.dialled).toHaveLength(1);
    scope.stop();
  });
});

test('a selector may read what is reactive', async () => {
  const scope = effectScope();
  const wanted = ref('idle');
  const seen: boolean[] = [];
  scope.run(() => {
    const { state } = useTwoStageSocket(server.options, ({ status }) => status === wanted.value);
    watchEffect(() => seen.push(state.value));
  });
  await until(() => server.dialled.length === 1);
  wanted.value = 'connecting';
  await nextTick();
  expect(seen).toEqual([true, false, true]);
  scope.stop();
});

test.each([
  ['neither a socket nor options', () => useTwoStageSocket(undefined as any)],
  ['no socket to listen to', () => useMessage(undefined as any, () => {})],
  ['no provider above', createSocketContext('Chat')[1]],
])('%s is one clear error', async (_, wrong) => {
  const errorHandler = vi.fn();
  const app = createApp({
    setup() {
      wrong();
      return () => null;
    },
  });
  app.config.errorHandler = errorHandler;
  app.config.warnHandler = () => {};
  app.mount(document.createElement('div'));
  await frames(2);
  expect(errorHandler.mock.calls.map(([error]) => error)).toEqual([
    expect.objectContaining({
      message: expect.stringMatching(/^TwoStageSocket: (expected a socket or|no component above)/),
    }),
  ]);
  app.unmount();
});

test('a socket that has closed with a failure is for the error boundary, where asked for', async () => {
  const Asking = {
    setup() {
      const { state } = useTwoStageSocket(server.options, orThrow);
      return () => state.value.status;
    },
  };
  const caught = ref<Error>();
  const app = createApp({
    setup() {
      onErrorCaptured((error) => {
        caught.value = error;
        return false;
      });
      return () => (caught.value ? caught.value.message : h(Asking));
    },
  });
  const target = document.createElement('div');
  app.mount(target);
  await until(() => server.dialled.length === 1);
  await server.admit();
  server.last().drop(4403);
  await until(() => target.textContent?.startsWith('forbidden') === true);
  app.unmount();
});

test('devtools show the state and the socket by the names that a component gives them', () => {
  let shown: any;
  const app = createApp({
    setup() {
      const { state: chat } = useTwoStageSocket(server.options);
      shown = getCurrentInstance();
      return { chat };
    },
    render: () => null,
  });
  app.mount(document.createElement('div'));
  expect(shown.setupState.chat).toEqual({ status: 'idle' });
  app.unmount();
});

test('options that cannot be used any more leave nothing of the user before', async () => {
  const options = shallowRef<any>({ ...server.options, key: 'ada' });
  let chat: any;
  const errorHandler = vi.fn();
  const app = createApp({
    setup() {
      chat = useTwoStageSocket(options);
      return () => null;
    },
  });
  app.config.errorHandler = errorHandler;
  app.mount(document.createElement('div'));
  await until(() => server.dialled.length === 1);
  await server.admit();
  await until(() => chat.state.value.status === 'ready');

  options.value = { url: 'ftp://chat.test', key: 'bob' };
  await until(() => errorHandler.mock.calls.length > 0);
  expect(errorHandler.mock.calls).toEqual([
    [
      expect.objectContaining({ message: expect.stringContaining('url must be') }),
      expect.anything(),
      expect.anything(),
    ],
  ]);
  for (let n = 0; n < 2; n++) expect(() => chat.socket.value).toThrow('url must be');
  expect(chat.state.value).toEqual({ status: 'idle' });
  await server.advance(1000);
  expect(server.live()).toEqual([]);

  options.value = { ...server.options, key: 'bob' };
  await until(() => server.dialled.length === 2);
  await server.admit();
  await until(() => chat.state.value.status === 'ready');
  app.unmount();
});

test('messages are folded on where a getter reads what changes, and gives the same socket', async () => {
  const shared = new TwoStageSocket(server.options);
  const room = ref({ name: 'a', socket: shared });
  const scope = effectScope();
  const total = scope.run(() => {
    useTwoStageSocket(shared);
    return useReducedMessages(
      () => room.value.socket as TwoStageSocket,
      (count) => count + 1,
      0,
    );
  }) as any;
  await until(() => server.dialled.length === 1);
  await server.admit();
  server.send('a', 'b');
  await until(() => total.value === 2);
  room.value = { name: 'b', socket: shared };
  await nextTick();
  server.send('c');
  await until(() => total.value === 3);
  scope.stop();
});

test('a component that is kept alive goes on holding the socket, and folding, while it is hidden', async () => {
  const shown = ref(true);
  let total: any;
  const Chat = {
    setup() {
      const { socket } = useTwoStageSocket(server.options);
      total = useReducedMessages(socket, (count) => count + 1, 0);
      return () => total.value;
    },
  };
  const app = createApp(() => h(KeepAlive, () => (shown.value ? h(Chat) : null)));
  app.mount(document.createElement('div'));
  await until(() => server.dialled.length === 1);
  await server.admit();
  shown.value = false;
  await nextTick();
  await server.advance(60_000);
  server.send('a', 'b');
  await until(() => total.value === 2);
  expect(server.live()).toHaveLength(1);

  shown.value = true;
  await nextTick();
  expect(server.tokenCalls).toHaveLength(1);
  app.unmount();
  await server.advance(1000);
  expect(server.live()).toEqual([]);
});
