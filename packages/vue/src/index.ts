export * from '@two-stage-socket/core';
export type { SocketOptions, Source } from '@two-stage-socket/core/adapter';
export {
  createSocketContext,
  useMessage,
  useReducedMessages,
  useTwoStageSocket,
} from './adapter.ts';
