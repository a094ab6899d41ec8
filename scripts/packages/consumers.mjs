/**
 * An app in TypeScript that imports every entry of a package and uses its types: a line that must not
 * compile says so.
 *
 * @typedef {object} Consumer
 * @property {string[]} entries
 * @property {string[]} packages what npm installs beside the tarballs
 * @property {string[]} frameworks what the app has anyway
 * @property {string} code
 */

/** What the messages of all of them are. */
const messages = `
interface Incoming { readonly text: string }
interface Outgoing { readonly say: string }
`;

/** @type {Record<string, Consumer>} */
export const consumers = {
  core: {
    entries: [
      '@two-stage-socket/core',
      '@two-stage-socket/core/adapter',
      '@two-stage-socket/core/websocket',
      '@two-stage-socket/core/devtools',
      '@two-stage-socket/core/testing',
      '@two-stage-socket/core/testing/msw',
    ],
    packages: ['msw'],
    frameworks: ['msw'],
    code: `${messages}
import { fetchToken, type State, TwoStageError, TwoStageSocket } from '@two-stage-socket/core';
import { createOwner, type Source } from '@two-stage-socket/core/adapter';
import { inspect, showDevtools } from '@two-stage-socket/core/devtools';
import { createFakeServer } from '@two-stage-socket/core/testing';
import { twoStageHandlers } from '@two-stage-socket/core/testing/msw';
import { createWebSocket } from '@two-stage-socket/core/websocket';

const options = { url: 'wss://chat.test', getToken: fetchToken('https://chat.test/token'), key: 1 };
const socket = new TwoStageSocket<Incoming, Outgoing>({ url: options.url });
socket.on('message', ({ text }) => text satisfies string);
socket.on('error', (error) => error satisfies TwoStageError);
// @ts-expect-error not an outgoing message
socket.send({ text: 'hi' });
const state: State = socket.getSnapshot();
// @ts-expect-error only a socket that waits has it
state.retryAt;
createOwner<Incoming, Outgoing>()(socket as Source<Incoming, Outgoing>) satisfies typeof socket;
inspect(socket);
showDevtools({ open: true }) satisfies HTMLElement | undefined;
new TwoStageSocket(createFakeServer<Incoming, Outgoing>({ auto: true }).options) satisfies typeof socket;
twoStageHandlers({ url: 'wss://chat.test', tokenUrl: 'https://chat.test/token' });
new (createWebSocket({ getToken: () => 'token' }))('wss://chat.test') satisfies WebSocket;
`,
  },
  react: {
    entries: ['@two-stage-socket/react'],
    packages: ['react', 'react-dom', '@types/react', '@types/react-dom'],
    frameworks: ['react'],
    code: `${messages}
import { createSocketContext, fetchToken, orThrow, type State, useMessage, useReducedMessages, useTwoStageSocket } from '@two-stage-socket/react';
import { createElement, type ReactElement } from 'react';

const options = { url: 'wss://chat.test', getToken: fetchToken('https://chat.test/token'), key: 1 };
const [ChatProvider, useChat] = createSocketContext<Incoming, Outgoing>('Chat');
export function Chat(): ReactElement {
  const { state, socket } = useTwoStageSocket(useChat(), ({ status }) => status === 'ready');
  state satisfies boolean;
  useTwoStageSocket(socket, orThrow).state satisfies State;
  useMessage(socket, ({ text }) => text satisfies string);
  // @ts-expect-error not an incoming message
  useMessage(socket, ({ say }) => say);
  const texts = useReducedMessages(socket, (count, { text }) => count + text.length, 0);
  return createElement('p', null, texts);
}
export const App = () => createElement(ChatProvider, { source: options }, createElement(Chat));
`,
  },
  vue: {
    entries: ['@two-stage-socket/vue'],
    packages: ['vue'],
    frameworks: ['vue'],
    code: `${messages}
import { createSocketContext, fetchToken, orThrow, type State, useMessage, useReducedMessages, useTwoStageSocket } from '@two-stage-socket/vue';
import { defineComponent, h } from 'vue';

const options = { url: 'wss://chat.test', getToken: fetchToken('https://chat.test/token'), key: 1 };
const [provideChat, useChat] = createSocketContext<Incoming, Outgoing>('Chat');
export const Chat = defineComponent(() => {
  const { state, socket } = useTwoStageSocket(useChat(), ({ status }) => status === 'ready');
  state.value satisfies boolean;
  useTwoStageSocket(socket, orThrow).state.value satisfies State;
  useMessage(socket, ({ text }) => text satisfies string);
  // @ts-expect-error not an incoming message
  useMessage(socket, ({ say }) => say);
  const texts = useReducedMessages(socket, (count, { text }) => count + text.length, 0);
  return () => h('p', texts.value);
});
export const App = defineComponent(() => {
  provideChat(() => options);
  return () => h(Chat);
});
`,
  },
  svelte: {
    entries: ['@two-stage-socket/svelte', '@two-stage-socket/svelte/store'],
    packages: ['svelte'],
    frameworks: ['svelte'],
    code: `${messages}
import { createSocketContext, fetchToken, orThrow, reducedMessages, type State, twoStageSocket, useMessage } from '@two-stage-socket/svelte';
import * as store from '@two-stage-socket/svelte/store';
import { get, readable, type Readable } from 'svelte/store';

const options = { url: 'wss://chat.test', getToken: fetchToken('https://chat.test/token'), key: 1 };
const [provideChat, useChat] = createSocketContext<Incoming, Outgoing>('Chat');
export function chat(): Readable<State> {
  provideChat(() => options);
  const { socket } = useChat();
  orThrow(twoStageSocket(() => socket).current) satisfies State;
  useMessage(socket, ({ text }) => text satisfies string);
  // @ts-expect-error not an incoming message
  useMessage(socket, ({ say }) => say);
  reducedMessages(socket, (count, { text }) => count + text.length, 0).current satisfies number;
  return twoStageSocket(socket);
}
export function chatOfStores(): Readable<State> {
  const chat = store.twoStageSocket<Incoming, Outgoing>(readable(options));
  store.useMessage(chat.sockets, ({ text }) => text satisfies string);
  get(store.reducedMessages(chat.socket, (count, { text }) => count + text.length, 0)) satisfies number;
  return chat;
}
`,
  },
};
