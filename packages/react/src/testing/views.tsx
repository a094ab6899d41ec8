import { type ReactNode, useEffect } from 'react';
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

function Chat(props: ChatProps): ReactNode {
  const { state, socket } = useTwoStageSocket<any, any, any>(props.source, props.selector);
  useMessage(socket, (message) => props.onMessage?.(message));
  // Once it is shown: StrictMode renders twice, and React 18 forgets what the first time has made.
  useEffect(() => {
    props.onSocket?.(socket);
  });
  return <p>{text(state)}</p>;
}

function Listener(props: ListenerProps): ReactNode {
  useMessage(props.socket, props.onMessage);
  return null;
}

function Feed(props: FeedProps): ReactNode {
  return <p>{JSON.stringify(useReducedMessages(props.socket, props.reducer, props.initial))}</p>;
}

const [SharedProvider, useShared] = createSocketContext<any, any>('Shared');

function Shared(props: SharedProps): ReactNode {
  props.onRender();
  return (
    <SharedProvider source={props.source}>{!props.isAlone && <Below {...props} />}</SharedProvider>
  );
}

function Below(props: SharedProps): ReactNode {
  props.onRenderBelow?.();
  const { state, socket } = useTwoStageSocket(useShared());
  useMessage(socket, (message) => props.onMessage?.(message));
  return <p>{text(state)}</p>;
}

export const views = { Chat, Listener, Feed, Shared };
