export * from '@two-stage-socket/core';
export {
  type SocketOptions,
  useMessage,
  useReducedMessages,
  useTwoStageSocket,
} from './adapter.ts';
