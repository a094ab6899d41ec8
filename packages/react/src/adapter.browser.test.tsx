import {
  Activity,
  Component,
  type ReactNode,
  Suspense,
  startTransition,
  use,
  useLayoutEffect,
} from 'react';
import { createRoot, type Root, type RootOptions } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { frames, until } from '../../contract/frames.ts';
import { createServer, type Server } from '../../contract/server.ts';
import {
  createSocketContext,
  orThrow,
  type SocketOptions,
  TwoStageSocket,
  useMessage,
  useReducedMessages,
  useTwoStageSocket,
} from './index.ts';

let server: Server;
let target: HTMLElement;
let root: Root;

function render(element: ReactNode, options?: RootOptions) {
  root ??= createRoot(target, options);
  root.render(element);
}

beforeEach(() => {
  server = createServer();
  target = document.createElement('div');
  root = undefined as unknown as Root;
});

afterEach(() => root.unmount());

interface ChatProps {
  readonly source: SocketOptions | TwoStageSocket;
  readonly waitFor?: Promise<void>;
}

function Chat({ source, waitFor }: ChatProps): ReactNode {
  const { state } = useTwoStageSocket(source);
  if (waitFor) use(waitFor);
  return state.status;
}

test('a render that is thrown away opens nothing', async () => {
  render(
    <Suspense fallback="suspended">
      <Chat source={server.options} waitFor={new Promise(() => {})} />
    </Suspense>,
  );
  await until(() => target.textContent === 'suspended');
  await frames(2);
  expect(server.tokenCalls).toEqual([]);
});

test('a hidden Activity lets go, and is connected again when it is shown', async () => {
  const renderIn = (mode: 'visible' | 'hidden') =>
    render(
      <Activity mode={mode}>
        <Chat source={server.options} />
      </Activity>,
    );
  renderIn('visible');
  await until(() => server.dialled.length === 1);
  await server.admit();
  renderIn('hidden');
  await frames(3);
  await server.advance(1000);
  expect(server.live()).toEqual([]);

  renderIn('visible');
  await until(() => server.dialled.length === 2);
  await server.admit();
  await until(() => target.textContent === 'ready');
});

interface NamedProps {
  readonly socket: TwoStageSocket;
  readonly name: string;
  readonly hear: (name: string) => void;
  readonly onCommit: () => void;
}

function Named({ socket, name, hear, onCommit }: NamedProps): ReactNode {
  useTwoStageSocket(socket);
  useMessage(socket, () => hear(name));
  return <p ref={onCommit}>{name}</p>;
}

test('a message that comes with a commit finds the handler of that commit', async () => {
  const socket = new TwoStageSocket(server.options);
  const hear = vi.fn();
  const named = { socket, hear };
  render(<Named {...named} name="first" onCommit={() => {}} />);
  await until(() => server.dialled.length === 1);
  await server.admit();
  render(<Named {...named} name="second" onCommit={() => server.send('hello')} />);
  await until(() => target.textContent === 'second');
  expect(hear.mock.calls).toEqual([['second']]);
});

test('options that cannot be used are thrown while rendering, where a boundary catches them', async () => {
  const onUncaughtError = vi.fn();
  render(<Chat source={{ url: 'ftp://chat.test' }} />, { onUncaughtError });
  await until(() => onUncaughtError.mock.calls.length > 0);
  expect(onUncaughtError.mock.calls[0]?.[0]).toBeInstanceOf(TypeError);
});

function Calls({ hook: useGiven }: { readonly hook: () => unknown }): ReactNode {
  useGiven();
  return null;
}

test.each([
  ['neither a socket nor options', () => useTwoStageSocket(undefined as any)],
  ['no socket to listen to', () => useMessage(undefined as any, () => {})],
  ['no provider above', createSocketContext('Chat')[1]],
])('%s is one clear error', async (_, useWrong) => {
  const onUncaughtError = vi.fn();
  render(<Calls hook={useWrong} />, { onUncaughtError });
  await until(() => onUncaughtError.mock.calls.length > 0);
  await frames(2);
  expect(onUncaughtError.mock.calls).toEqual([
    [
      expect.objectContaining({
        message: expect.stringMatching(
          /^TwoStageSocket: (expected a socket or|no component above)/,
        ),
      }),
      expect.anything(),
    ],
  ]);
});

class Boundary extends Component<{ readonly children: ReactNode }> {
  override state: { readonly error?: Error } = {};
  static getDerivedStateFromError = (error: Error) => ({ error });
  override render = () => this.state.error?.message ?? this.props.children;
}

function Asking({ source }: ChatProps): ReactNode {
  return useTwoStageSocket(source, orThrow).state.status;
}

test('a socket that has closed with a failure is for the error boundary, where asked for', async () => {
  const onCaughtError = () => {};
  render(
    <Boundary>
      <Asking source={server.options} />
    </Boundary>,
    { onCaughtError },
  );
  await until(() => server.dialled.length === 1);
  await server.admit();
  server.last().drop();
  await until(() => target.textContent === 'waiting');
  await server.advance(2000);
  await server.admit();
  server.last().drop(4403);
  await until(() => target.textContent?.startsWith('forbidden') === true);
});

interface ReconnectingProps {
  readonly source: SocketOptions;
  readonly version: number;
}

function Reconnecting({ source, version }: ReconnectingProps): ReactNode {
  const { socket } = useTwoStageSocket(source);
  useLayoutEffect(() => {
    if (version > 1) socket.reconnect();
  }, [socket, version]);
  return version;
}

test('what reconnects with a commit goes by the options of that commit', async () => {
  const asked: number[] = [];
  const renderVersion = (version: number) =>
    render(
      <Reconnecting
        version={version}
        source={{ ...server.options, getToken: () => `token-${asked.push(version)}` }}
      />,
    );
  renderVersion(1);
  await until(() => server.dialled.length === 1);
  await server.admit();
  renderVersion(2);
  await until(() => server.dialled.length === 2);
  expect(asked).toEqual([1, 2]);
});

test('a render that is thrown away changes no option of a socket that is open', async () => {
  const asked: string[] = [];
  const chat = (name: string, waitFor?: Promise<void>) => (
    <Suspense fallback="suspended">
      <Chat
        source={{ ...server.options, getToken: () => `token-${asked.push(name)}` }}
        {...(waitFor && { waitFor })}
      />
    </Suspense>
  );
  render(chat('committed'));
  await until(() => server.dialled.length === 1);
  await server.admit();
  await until(() => target.textContent === 'ready');
  startTransition(() => render(chat('suspended', new Promise(() => {}))));
  await frames(3);
  server.last().drop();
  await server.advance(2000);
  expect(asked).toEqual(['committed', 'committed']);
});

interface EarlyProps {
  readonly socket: TwoStageSocket;
  readonly hear: (message: unknown) => void;
  readonly onCommit: () => void;
}

function Early({ socket, hear, onCommit }: EarlyProps): ReactNode {
  useMessage(socket, hear);
  const count = useReducedMessages(socket, (count: number) => count + 1, 0);
  useLayoutEffect(onCommit, [onCommit]);
  return count;
}

test('a message that comes right after the commit is heard, and folded', async () => {
  const socket = new TwoStageSocket(server.options);
  socket.connect();
  await server.admit();
  const hear = vi.fn();
  render(<Early socket={socket} hear={hear} onCommit={() => server.send('early')} />);
  await until(() => target.textContent === '1');
  expect(hear.mock.calls).toEqual([['early']]);
  socket.close();
});
