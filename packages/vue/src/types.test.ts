import { describe, test } from 'vitest';
import { ref } from 'vue';
import {
  type Codec,
  createSocketContext,
  type Schema,
  type State,
  type TwoStageSocket,
  useMessage,
  useReducedMessages,
  useTwoStageSocket,
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
      const { state, socket } = useTwoStageSocket(shared);
      state.value satisfies State;
      socket.value.send({ say: 'hi' });
      // @ts-expect-error not an outgoing message
      socket.value.send({ text: 'hi' });
      useMessage(socket, (message) => message.text satisfies string);
      // @ts-expect-error not an incoming message
      useMessage(socket, (message: Outgoing) => message);
    }));

  test('flow from the two type arguments, or from the codec', () =>
    check(() => {
      const url = 'wss://chat.test';
      useTwoStageSocket<Incoming, Outgoing>({ url }).socket.value satisfies typeof shared;
      useTwoStageSocket({ url, codec }).socket.value satisfies typeof shared;
      // @ts-expect-error unknown until it is said
      useMessage(useTwoStageSocket({ url }).socket, (message) => message.text);
    }));

  test('narrow the state by its status', () =>
    check(() => {
      const { state } = useTwoStageSocket(shared);
      // @ts-expect-error only a socket that waits has it
      state.value.retryAt;
      if (state.value.status === 'waiting') state.value.failure.code satisfies string;
    }));

  test('follow the selector', () =>
    check(() => {
      const { state } = useTwoStageSocket(shared, ({ status }) => status === 'ready');
      state.value satisfies boolean;
      // @ts-expect-error there is no such status
      useTwoStageSocket(shared, ({ status }) => status === 'open');
    }));

  test('fold what comes in into what the reducer starts from', () =>
    check(() => {
      const texts = useReducedMessages(
        shared,
        (texts: readonly string[], { text }) => [...texts, text],
        [],
      );
      texts.value satisfies readonly string[];
      useReducedMessages(shared, (count, { text }) => count + text.length, 0)
        .value satisfies number;
      // @ts-expect-error not an incoming message
      useReducedMessages(shared, (count: number, { say }) => count + say.length, 0);
    }));

  test('take refs and getters, and give what is read-only', () =>
    check(() => {
      const { state, socket } = useTwoStageSocket(ref({ url: '/chat' }));
      useTwoStageSocket(() => shared).socket.value satisfies typeof shared;
      useMessage(
        () => shared,
        ({ text }) => text satisfies string,
      );
      // @ts-expect-error the socket's to say
      state.value = { status: 'ready' };
      // @ts-expect-error follows from the options
      socket.value = shared;
    }));

  test('flow from a context, and from a schema', () =>
    check(() => {
      const url = 'wss://chat.test';
      const [provideChat, useChat] = createSocketContext<Incoming, Outgoing>();
      provideChat(() => shared).socket.value satisfies typeof shared;
      provideChat({ url });
      // @ts-expect-error of other messages
      provideChat({} as TwoStageSocket<Outgoing, Outgoing>);
      useChat().value satisfies typeof shared;
      const schema = {} as Schema<Incoming>;
      useMessage(useTwoStageSocket({ url, schema }).socket, ({ text }) => text satisfies string);
    }));

  test('want a key of text or number', () =>
    check(() => {
      // @ts-expect-error an object is another each time
      useTwoStageSocket({ url: '/chat', key: {} });
    }));
});
