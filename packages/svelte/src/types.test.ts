import { get, type Readable } from 'svelte/store';
import { describe, test } from 'vitest';
import {
  type Codec,
  createSocketContext,
  reducedMessages,
  type Schema,
  type State,
  type TwoStageSocket,
  twoStageSocket,
  useMessage,
} from './index.ts';

type Incoming = { readonly text: string };
type Outgoing = { readonly say: string };
declare const shared: TwoStageSocket<Incoming, Outgoing>;
declare const codec: Codec<Incoming, Outgoing>;

/** Checked by the compiler: none of it is run. */
const check = (_: () => void) => {};

describe('types', () => {
  test('flow from a socket', () =>
    check(() => {
      const { current, socket } = twoStageSocket(shared);
      current satisfies State;
      socket.send({ say: 'hi' });
      // @ts-expect-error not an outgoing message
      socket.send({ text: 'hi' });
      useMessage(socket, (message) => message.text satisfies string);
      // @ts-expect-error not an incoming message
      useMessage(socket, (message: Outgoing) => message);
    }));

  test('flow from the two type arguments, or from the codec', () =>
    check(() => {
      const url = 'wss://chat.test';
      twoStageSocket<Incoming, Outgoing>({ url }).socket satisfies typeof shared;
      twoStageSocket({ url, codec }).socket satisfies typeof shared;
      // @ts-expect-error unknown until it is said
      useMessage(twoStageSocket({ url }).socket, (message) => message.text);
    }));

  test('narrow the state by its status', () =>
    check(() => {
      const { current: state } = twoStageSocket(shared);
      // @ts-expect-error only a socket that waits has it
      state.retryAt;
      if (state.status === 'waiting') state.failure.code satisfies string;
    }));

  test('make a store that Svelte knows', () =>
    check(() => {
      get(twoStageSocket(shared)) satisfies State;
      twoStageSocket(() => shared) satisfies Readable<State>;
    }));

  test('fold what comes in into what the reducer starts from', () =>
    check(() => {
      const texts = reducedMessages(
        shared,
        (texts: readonly string[], { text }) => [...texts, text],
        [],
      );
      texts.current satisfies readonly string[];
      reducedMessages(shared, (count, { text }) => count + text.length, 0).current satisfies number;
      // @ts-expect-error not an incoming message
      reducedMessages(shared, (count: number, { say }) => count + say.length, 0);
    }));

  test('flow from a context, and from a schema', () =>
    check(() => {
      const url = 'wss://chat.test';
      const [provideChat, useChat] = createSocketContext<Incoming, Outgoing>();
      provideChat(() => shared).socket satisfies typeof shared;
      provideChat({ url });
      // @ts-expect-error of other messages
      provideChat({} as TwoStageSocket<Outgoing, Outgoing>);
      useChat().socket satisfies typeof shared;
      const schema = {} as Schema<Incoming>;
      useMessage(twoStageSocket({ url, schema }).socket, ({ text }) => text satisfies string);
    }));

  test('want a key of text or number', () =>
    check(() => {
      // @ts-expect-error an object is another each time
      twoStageSocket({ url: '/chat', key: {} });
    }));
});
