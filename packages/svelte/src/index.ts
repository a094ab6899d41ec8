export * from '@two-stage-socket/core';
export type { SocketOptions, Source } from '@two-stage-socket/core/adapter';
export {
  createSocketContext,
  type MaybeGetter,
  type Readable,
  reducedMessages,
  type SocketState,
  twoStageSocket,
  useMessage,
} from './adapter.ts';
