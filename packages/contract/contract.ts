import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type State, TwoStageSocket } from '../core/src/index.ts';
import { deferred } from '../core/src/testing/fakes.test.util.ts';
import { frames, until } from './frames.ts';
import { createServer, type Server } from './server.ts';

/** What the components of the contract are given. Each calls `onRender` whenever it has rendered. */
export interface Common {
  readonly onRender: () => void;
}

/** Shows `text(state)`, and hands messages to `onMessage`. */
export interface ChatProps extends Common {
  readonly source: any;
  readonly selector?: ((state: State) => unknown) | undefined;
  readonly onMessage?: ((message: any) => void) | undefined;
  readonly onSocket?: ((socket: TwoStageSocket<any, any>) => void) | undefined;
}

/** Hands messages to `onMessage`, and looks at nothing. */
export interface ListenerProps extends Common {
  readonly socket: TwoStageSocket<any, any>;
  readonly onMessage: (message: any) => void;
}

/** Shows the messages folded into one value, as JSON. */
export interface FeedProps extends Common {
  readonly socket: TwoStageSocket<any, any>;
  readonly reducer: (value: any, message: any) => any;
  readonly initial: unknown;
}

/** Provides a socket, and shows what a component below it shows. */
export interface SharedProps extends Common {
  readonly source: any;
  readonly onMessage?: ((message: any) => void) | undefined;
  readonly onRenderBelow?: (() => void) | undefined;
  /** Whether there is nothing below. */
  readonly isAlone?: boolean | undefined;
}

export interface Views {
  readonly Chat: ChatProps;
  readonly Listener: ListenerProps;
  readonly Feed: FeedProps;
  readonly Shared: SharedProps;
}

export interface Mounted<Props> {
  /** Gives the component other props, and renders it again with them. */
  update(props: Props): void;
  unmount(): void;
}

/** How a framework mounts the components of the contract. */
export interface Adapter {
  mount<V extends keyof Views>(view: V, props: Views[V], target: HTMLElement): Mounted<Views[V]>;
  /** Mounts over what a server has rendered. */
  hydrate<V extends keyof Views>(view: V, props: Views[V], target: HTMLElement): Mounted<Views[V]>;
  /** What its server renders of `Chat`: proved by the test that runs on a server. */
  readonly serverHtml: string;
}

/** What `Chat` shows: the status and what failed, or whatever was selected of it. */
export function text(shown: any): string {
  if (typeof shown !== 'object') return String(shown);
  return shown.failure ? `${shown.status} ${shown.failure.code}` : shown.status;
}

/** What every adapter does. Each runs it in a browser, and supplies only how its framework mounts. */
export function contract(name: string, adapter: Adapter): void {
  describe(name, () => {
    let server: Server;
    let mounted: { unmount(): void }[];

    beforeEach(() => {
      server = createServer();
      mounted = [];
      vi.spyOn(console, 'error');
      vi.spyOn(console, 'warn');
    });

    afterEach(async () => {
      for (const view of mounted) view.unmount();
      await frames(2);
      document.body.replaceChildren();
      await server.advance(1000);
      expect(server.live(), 'sockets that outlived their components').toEqual([]);
      expect(console.error).not.toHaveBeenCalled();
      expect(console.warn).not.toHaveBeenCalled();
      vi.restoreAllMocks();
    });

    /** Mounts a component, and keeps count of its renders. */
    function show<V extends keyof Views>(
      view: V,
      given: Omit<Views[V], 'onRender'>,
      { mount = adapter.mount, html = '' } = {},
    ) {
      let renders = 0;
      let props = { ...given, onRender: () => renders++ } as unknown as Views[V];
      const target = document.body.appendChild(document.createElement('div'));
      target.innerHTML = html;
      const { update, unmount } = mount(view, props, target);
      let live = true;
      const shown = {
        text: () => target.textContent,
        shows: (text: string) =>
          until(
            () => target.textContent === text,
            () => target.textContent,
          ),
        update(changed: Partial<Views[V]>) {
          props = { ...props, ...changed };
          update(props);
        },
        unmount() {
          if (live) unmount();
          live = false;
        },
        /** How many renders there are while `action` runs, and in the frames after it. */
        async renders(action: () => unknown) {
          await frames(3);
          renders = 0;
          await action();
          await frames(3);
          return renders;
        },
      };
      mounted.push(shown);
      return shown;
    }

    /** A component that has been mounted, and whose socket is ready. */
    async function showReady(props: Partial<ChatProps> = {}) {
      const chat = show('Chat', { source: server.options, ...props });
      await until(() => server.dialled.length === 1);
      await server.admit();
      await chat.shows(
        text(props.selector ? props.selector({ status: 'ready' } as State) : 'ready'),
      );
      return chat;
    }

    /** A socket that parts of the app share, and a component that holds it. */
    async function showShared(props: Partial<ChatProps> = {}) {
      const socket = new TwoStageSocket<any, any>(server.options);
      return { socket, chat: await showReady({ source: socket, ...props }) };
    }

    describe('a connection', () => {
      test('is made on mounting, with one token, and each of its states is shown', async () => {
        const token = deferred<string>();
        const getToken = vi.fn(() => token.promise);
        const chat = show('Chat', { source: { ...server.options, getToken } });
        await chat.shows('fetching-token');
        token.resolve('token-1');
        await chat.shows('connecting');
        server.last().accept();
        await chat.shows('authenticating');
        server.last().say('authentication successful');
        await chat.shows('ready');
        await frames(3);
        expect(getToken).toHaveBeenCalledTimes(1);
        expect(server.dialled).toHaveLength(1);
      });

      test('is shown with what it failed for, and comes back', async () => {
        const chat = await showReady();
        server.last().drop();
        await chat.shows('waiting connection-lost');
        await server.advance(1000);
        await server.admit();
        await chat.shows('ready');
        server.last().drop(4403);
        await chat.shows('closed forbidden');
        expect(server.dialled).toHaveLength(2);
      });

      test('closes a grace period after unmounting, and not before', async () => {
        const chat = await showReady();
        chat.unmount();
        await frames(2);
        await server.advance(999);
        expect(server.live()).toHaveLength(1);
        await server.advance(1);
        expect(server.live()).toHaveLength(0);
      });

      test('survives unmounting and mounting in one tick, as a route change does', async () => {
        const { socket, chat } = await showShared();
        chat.unmount();
        const next = show('Chat', { source: socket });
        await next.shows('ready');
        // What is drawn comes before the effects of React.
        await frames(2);
        await server.advance(60_000);
        expect(server.live()).toHaveLength(1);
        expect(server.tokenCalls).toHaveLength(1);
      });

      test('is made again for who mounts after it has closed', async () => {
        const { socket, chat } = await showShared();
        chat.unmount();
        await frames(2);
        await server.advance(1000);
        expect(socket.getSnapshot().status).toBe('closed');
        const next = show('Chat', { source: socket });
        await until(() => server.dialled.length === 2);
        await server.admit();
        await next.shows('ready');
      });

      test('is one for all that share the socket, until the last has let go', async () => {
        const { socket, chat } = await showShared();
        const others = [show('Chat', { source: socket }), show('Chat', { source: socket })];
        for (const other of others) await other.shows('ready');
        expect(server.tokenCalls).toHaveLength(1);
        expect(server.dialled).toHaveLength(1);
        for (const view of [chat, ...others]) {
          expect(server.live()).toHaveLength(1);
          view.unmount();
          await frames(2);
          await server.advance(1000);
        }
        expect(server.live()).toHaveLength(0);
      });
    });

    test('components leave no listener behind', async () => {
      const socket = new TwoStageSocket<any, any>(server.options);
      const listeners = countListeners(socket);
      const views = [
        show('Chat', { source: socket }),
        show('Listener', { socket, onMessage() {} }),
        show('Feed', { socket, reducer: (value) => value, initial: 0 }),
      ];
      await frames(3);
      expect(listeners()).toBeGreaterThanOrEqual(3);
      for (const view of views) view.unmount();
      await frames(2);
      expect(listeners()).toBe(0);
    });

    describe('options', () => {
      test('that are written inline reconnect nothing, and are the newest at the next attempt', async () => {
        const chat = await showReady({ source: { ...server.options } });
        const asked: string[] = [];
        for (let version = 1; version <= 10; version++) {
          chat.update({
            source: {
              ...server.options,
              retry: { initialDelay: 100 },
              getToken: () => `token of ${asked.push(`token ${version}`)}`,
              initPayload: () => ({ token: asked.push(`payload ${version}`) }),
            },
          });
          await frames(1);
        }
        await server.advance(60_000);
        expect(server.dialled).toHaveLength(1);
        expect(asked).toEqual([]);

        server.last().drop();
        await server.advance(100);
        await server.admit();
        await chat.shows('ready');
        expect(asked.sort()).toEqual(['payload 10', 'token 10']);
        expect(server.tokenCalls).toHaveLength(1);
      });

      test('with a function for url do not reconnect when it is another, and ask the newest', async () => {
        const source = (room: string) => ({
          ...server.options,
          url: () => `wss://chat.test/${room}`,
        });
        const chat = await showReady({ source: source('a') });
        chat.update({ source: source('b') });
        await frames(3);
        expect(server.dialled).toHaveLength(1);
        server.last().drop();
        await server.advance(60_000);
        expect(server.last().url).toContain('/b?');
      });

      test('that leave one out are back at its default', async () => {
        const getToken = vi.fn(() => 'a token');
        const { getToken: _, ...others } = server.options;
        const chat = await showReady({
          source: { ...others, getToken, retry: { initialDelay: 100 } },
        });
        expect(getToken).toHaveBeenCalledTimes(1);
        chat.update({ source: others });
        await frames(3);
        server.last().drop();
        await server.advance(60_000);
        await server.admit();
        await chat.shows('ready');
        expect(getToken).toHaveBeenCalledTimes(1);
        expect(server.last().url).not.toContain('token');
      });

      test.each([
        ['url', (room: string) => ({ url: `wss://chat.test/${room}` })],
        ['URL', (room: string) => ({ url: new URL(`wss://chat.test/${room}`) })],
        ['key', (key: string) => ({ key })],
      ])('with another %s make another socket, and let go of the one before', async (_, change) => {
        const source = (room: string) => ({ ...server.options, ...change(room) });
        const sockets = new Set<TwoStageSocket>();
        const chat = await showReady({
          source: source('a'),
          onSocket: (socket) => sockets.add(socket),
        });
        chat.update({ source: source('b') });
        await until(() => server.dialled.length === 2);
        await server.admit();
        await chat.shows('ready');
        await server.advance(1000);
        expect(server.dialled.map(({ live }) => live)).toEqual([false, true]);
        expect(sockets.size).toBe(2);
      });

      test('with the same url and key as before make none', async () => {
        const source = () => ({ ...server.options, url: new URL('wss://chat.test/a'), key: 1 });
        const sockets = new Set<TwoStageSocket>();
        const chat = await showReady({
          source: source(),
          onSocket: (socket) => sockets.add(socket),
        });
        chat.update({ source: source() });
        await frames(3);
        await server.advance(60_000);
        expect(server.dialled).toHaveLength(1);
        expect(sockets.size).toBe(1);
      });

      test('may give way to a socket', async () => {
        const chat = await showReady();
        const other = createServer();
        chat.update({ source: new TwoStageSocket(other.options) });
        await until(() => other.dialled.length === 1);
        await other.admit();
        await chat.shows('ready');
        await server.advance(1000);
        expect(server.live()).toHaveLength(0);
        chat.unmount();
        await frames(2);
        await other.advance(1000);
        expect(other.live()).toHaveLength(0);
      });
    });

    describe('messages', () => {
      test('reach the handler each exactly once, and render nothing', async () => {
        const onMessage = vi.fn();
        const chat = await showReady({ onMessage });
        const burst = Array.from({ length: 100 }, (_, n) => ({ n }));
        expect(await chat.renders(() => server.send(...burst))).toBe(0);
        expect(onMessage.mock.calls.flat()).toEqual(burst);
      });

      test('that are identical are as many as were sent', async () => {
        const onMessage = vi.fn();
        await showReady({ onMessage });
        for (let n = 0; n < 10; n++) {
          server.send('same');
          await frames(1);
        }
        expect(onMessage).toHaveBeenCalledTimes(10);
      });

      test('go to the latest handler, whichever was there first', async () => {
        const { socket, chat } = await showShared();
        const first = vi.fn();
        const latest = vi.fn();
        const listener = show('Listener', { socket, onMessage: first });
        await frames(2);
        listener.update({ onMessage: latest });
        chat.update({ onMessage: latest });
        await frames(2);
        server.send('hello');
        expect(first).not.toHaveBeenCalled();
        expect(latest.mock.calls).toEqual([['hello'], ['hello']]);
      });

      test('and states cost a component that does not look no render', async () => {
        const { socket } = await showShared();
        const onMessage = vi.fn();
        const listener = show('Listener', { socket, onMessage });
        const renders = await listener.renders(async () => {
          server.send(...Array(100).fill('hello'));
          server.last().drop();
          await frames(2);
          await server.advance(60_000);
          await server.admit();
        });
        expect(renders).toBe(0);
        expect(onMessage).toHaveBeenCalledTimes(100);
      });

      test('go to who listens to another socket from then on, and from that socket only', async () => {
        const onMessage = vi.fn();
        const source = (key: string) => ({ ...server.options, key });
        const chat = await showReady({ source: source('a'), onMessage });
        const [before] = server.dialled;
        chat.update({ source: source('b') });
        await until(() => server.dialled.length === 2);
        await server.admit();
        await chat.shows('ready');
        before?.say('from a');
        server.send('from b');
        expect(onMessage.mock.calls).toEqual([['from b']]);
      });

      test('stop with the component', async () => {
        const { socket } = await showShared();
        const onMessage = vi.fn();
        const listener = show('Listener', { socket, onMessage });
        await frames(2);
        listener.unmount();
        await frames(2);
        server.send('hello');
        expect(onMessage).not.toHaveBeenCalled();
      });

      test('hurt nobody when a handler throws', async () => {
        const uncaught = vi.spyOn(globalThis, 'reportError').mockImplementation(() => {});
        const bug = new Error('a bug of the app');
        const onMessage = vi.fn();
        const { socket, chat } = await showShared({
          onMessage() {
            throw bug;
          },
        });
        show('Listener', { socket, onMessage });
        await frames(2);
        server.send('a', 'b');
        expect(onMessage.mock.calls).toEqual([['a'], ['b']]);
        expect(uncaught.mock.calls).toEqual([[bug], [bug]]);
        await chat.shows('ready');
      });
    });

    describe('a selector', () => {
      test('renders when what it selects is another, and only then', async () => {
        const selector = (state: State) => state.status === 'ready';
        const chat = await showReady({ selector });
        const waiting = await chat.renders(async () => {
          server.last().drop();
          await chat.shows('false');
        });
        expect(waiting).toBe(1);
        const trying = await chat.renders(async () => {
          await server.advance(60_000);
          server.last().accept();
        });
        expect(trying).toBe(0);
        server.last().say('authentication successful');
        await chat.shows('true');
      });

      test('may make a new object each time', async () => {
        const chat = await showReady({ selector: ({ status }) => ({ status }) });
        const renders = await chat.renders(async () => {
          server.last().drop();
          await chat.shows('waiting');
        });
        expect(renders).toBe(1);
      });
    });

    describe('reduced messages', () => {
      const count = (value: number) => value + 1;

      test('lose none of a burst, and render once', async () => {
        const { socket } = await showShared();
        const reducer = (value: number, { n }: { n: number }) => value + n;
        const feed = show('Feed', { socket, reducer, initial: 0 });
        const renders = await feed.renders(() =>
          server.send(...Array.from({ length: 1000 }, (_, n) => ({ n }))),
        );
        expect(feed.text()).toBe('499500');
        expect(renders).toBe(1);
      });

      test('render at most once a frame, however long the burst', async () => {
        const { socket } = await showShared();
        const feed = show('Feed', { socket, reducer: count, initial: 0 });
        let drawn = 0;
        const onFrame = () => {
          drawn++;
          frame = requestAnimationFrame(onFrame);
        };
        let frame = requestAnimationFrame(onFrame);
        const renders = await feed.renders(async () => {
          drawn = 0;
          for (let n = 0; n < 1000; n++) {
            server.send('same');
            if (n % 10 === 0) await nextTask();
          }
        });
        cancelAnimationFrame(frame);
        expect(feed.text()).toBe('1000');
        expect(renders).toBeGreaterThan(0);
        expect(renders).toBeLessThanOrEqual(drawn);
      });

      test('are nothing to a component that does not look', async () => {
        const { socket, chat } = await showShared();
        const feed = show('Feed', { socket, reducer: count, initial: 0 });
        const renders = await chat.renders(() => server.send('a', 'b'));
        expect(renders).toBe(0);
        await feed.shows('2');
      });

      test('render nothing when they change nothing', async () => {
        const { socket } = await showShared();
        const feed = show('Feed', { socket, reducer: (value) => value, initial: 'as it was' });
        expect(await feed.renders(() => server.send('a', 'b'))).toBe(0);
        expect(feed.text()).toBe('"as it was"');
      });

      test('use the latest reducer, and go on from the value before', async () => {
        const { socket } = await showShared();
        const feed = show('Feed', { socket, reducer: count, initial: 0 });
        await frames(2);
        server.send('a');
        await feed.shows('1');
        feed.update({ reducer: (value: number) => value + 10 });
        await frames(2);
        server.send('a');
        await feed.shows('11');
      });

      test('go on where the socket is given anew, and is the same', async () => {
        const { socket } = await showShared();
        const feed = show('Feed', { socket, reducer: count, initial: 0 });
        await frames(2);
        server.send('a');
        await feed.shows('1');
        feed.update({ socket });
        await frames(2);
        server.send('a');
        await feed.shows('2');
      });

      test('start over with another socket', async () => {
        const { socket } = await showShared();
        const feed = show('Feed', { socket, reducer: count, initial: 0 });
        await frames(2);
        server.send('a');
        await feed.shows('1');
        feed.update({ socket: new TwoStageSocket(server.options) });
        await feed.shows('0');
      });
    });

    describe('a socket that is provided', () => {
      const showProvided = async (props: Partial<SharedProps> = {}) => {
        const shared = show('Shared', { source: server.options, ...props });
        await until(() => server.dialled.length === 1);
        await server.admit();
        await shared.shows('ready');
        return shared;
      };

      test('is held for what is below, which sees its states and messages', async () => {
        const onMessage = vi.fn();
        const shared = await showProvided({ onMessage });
        server.send('a', 'b');
        expect(onMessage.mock.calls).toEqual([['a'], ['b']]);
        expect(server.tokenCalls).toHaveLength(1);
        shared.unmount();
        await frames(2);
        await server.advance(1000);
        expect(server.live()).toEqual([]);
      });

      test('is held by who provides it, with nothing below', async () => {
        const shared = show('Shared', { source: server.options, isAlone: true });
        await until(() => server.dialled.length === 1);
        await server.admit();
        await server.advance(60_000);
        expect(server.live()).toHaveLength(1);
        shared.unmount();
        await frames(2);
        await server.advance(1000);
        expect(server.live()).toEqual([]);
      });

      test('renders nothing above who looks at it', async () => {
        const onRenderBelow = vi.fn();
        const shared = await showProvided({ onRenderBelow });
        onRenderBelow.mockClear();
        const renders = await shared.renders(async () => {
          server.last().drop();
          await shared.shows('waiting connection-lost');
        });
        expect(renders).toBe(0);
        expect(onRenderBelow).toHaveBeenCalled();
      });

      test('is another below too, when its key is', async () => {
        const shared = await showProvided({ source: { ...server.options, key: 'a' } });
        shared.update({ source: { ...server.options, key: 'b' } });
        await until(() => server.dialled.length === 2);
        await server.admit();
        await shared.shows('ready');
        await server.advance(1000);
        expect(server.dialled.map(({ live }) => live)).toEqual([false, true]);
      });
    });

    describe('a page that a server rendered', () => {
      const hydrating = { mount: adapter.hydrate, html: adapter.serverHtml };

      test('is taken over as it is, and then connects', async () => {
        const chat = show('Chat', { source: server.options }, hydrating);
        await until(() => server.dialled.length === 1);
        await server.admit();
        await chat.shows('ready');
        expect(server.tokenCalls).toHaveLength(1);
      });

      test('is taken over as it is even where the socket is ready already', async () => {
        const { socket } = await showShared();
        const chat = show('Chat', { source: socket }, hydrating);
        await chat.shows('ready');
      });
    });
  });
}

/** Counts the listeners that a socket has from now on, whatever they listen to. */
function countListeners(socket: TwoStageSocket<any, any>): () => number {
  const live = new Set<object>();
  const counted =
    (listen: (...args: any[]) => () => void) =>
    (...args: unknown[]) => {
      const off = listen(...args);
      live.add(off);
      return () => {
        live.delete(off);
        off();
      };
    };
  Object.assign(socket, { on: counted(socket.on), subscribe: counted(socket.subscribe) });
  return () => live.size;
}

/** The next task, as each frame of a real connection comes in one of its own. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
