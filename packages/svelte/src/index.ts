export * from '@two-stage-socket/core';
export type { SocketOptions, Source } from '@two-stage-socket/core/adapter';
export {
  createSocketContext,
  type MaybeGetter,
  type Reactive,
  reducedMessages,
  type SocketStore,
  twoStageSocket,
  useMessage,
} from './adapter.ts';
