import { defineComponent, h } from 'vue';
import {
  type ChatProps,
  type FeedProps,
  type ListenerProps,
  type SharedProps,
  text,
} from '../../../contract/contract.ts';
import {
  createSocketContext,
  useMessage,
  useReducedMessages,
  useTwoStageSocket,
} from '../index.ts';

const Chat = defineComponent(
  (props: ChatProps) => {
    const selector = props.selector && ((state: any) => props.selector?.(state));
    const { state, socket } = useTwoStageSocket<any, any, any>(() => props.source, selector);
    useMessage(socket, (message) => props.onMessage?.(message));
    return () => {
      props.onRender();
      props.onSocket?.(socket.value);
      return h('p', text(state.value));
    };
  },
  { props: ['source', 'selector', 'onMessage', 'onSocket', 'onRender'] },
);

const Listener = defineComponent(
  (props: ListenerProps) => {
    useMessage(
      () => props.socket,
      (message) => props.onMessage(message),
    );
    return () => {
      props.onRender();
      return null;
    };
  },
  { props: ['socket', 'onMessage', 'onRender'] },
);

const Feed = defineComponent(
  (props: FeedProps) => {
    const value = useReducedMessages(
      () => props.socket,
      (value, message) => props.reducer(value, message),
      props.initial,
    );
    return () => {
      props.onRender();
      return h('p', JSON.stringify(value.value));
    };
  },
  { props: ['socket', 'reducer', 'initial', 'onRender'] },
);

const [provideShared, useShared] = createSocketContext<any, any>('Shared');

const Shared = defineComponent(
  (props: SharedProps) => {
    provideShared(() => props.source);
    return () => {
      props.onRender();
      if (props.isAlone) return null;
      return h(Below, { onMessage: props.onMessage, onRenderBelow: props.onRenderBelow });
    };
  },
  { props: ['source', 'onMessage', 'onRenderBelow', 'onRender', 'isAlone'] },
);

const Below = defineComponent(
  (props: Pick<SharedProps, 'onMessage' | 'onRenderBelow'>) => {
    const { state, socket } = useTwoStageSocket(useShared());
    useMessage(socket, (message) => props.onMessage?.(message));
    return () => {
      props.onRenderBelow?.();
      return h('p', text(state.value));
    };
  },
  { props: ['onMessage', 'onRenderBelow'] },
);

export const views = { Chat, Listener, Feed, Shared };
