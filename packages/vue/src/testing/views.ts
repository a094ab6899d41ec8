import { defineComponent, h } from 'vue';
import {
  type ChatProps,
  type FeedProps,
  type ListenerProps,
  text,
} from '../../../contract/contract.ts';
import { useMessage, useReducedMessages, useTwoStageSocket } from '../index.ts';

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

export const views = { Chat, Listener, Feed };
