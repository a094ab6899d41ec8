import {
  createSocketContext,
  useReducedMessages,
  useTwoStageSocket,
} from '@two-stage-socket/react';
import { initial, reducer, view } from '../harness.mjs';
import { options } from '../two-stages.mjs';

const [ChatProvider, useShared] = createSocketContext('Chat');
const useOwn = () => useTwoStageSocket(options).socket;
const useSocket = view === 'shared' ? useShared : useOwn;

export function Provider({ children }) {
  return <ChatProvider source={options}>{children}</ChatProvider>;
}
export const useFeed = () => useReducedMessages(useSocket(), reducer, initial);
export const useStatus = () => useTwoStageSocket(useSocket(), ({ status }) => status).state;
