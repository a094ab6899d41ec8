import { createSocketContext, useReducedMessages, useTwoStageSocket } from '@two-stage-socket/vue';
import { initial, reducer, view } from '../harness.mjs';
import { options } from '../two-stages.mjs';

const [provideChat, useShared] = createSocketContext('Chat');
const useOwn = () => useTwoStageSocket(options).socket;
const useSocket = view === 'shared' ? useShared : useOwn;

export const provideShared = () => provideChat(options);
export const createFeed = () => useReducedMessages(useSocket(), reducer, initial);
export const createStatus = () => useTwoStageSocket(useSocket(), ({ status }) => status).state;
