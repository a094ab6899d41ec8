export * from '@two-stage-socket/core';
export { reducedMessages, type SocketOptions, twoStageSocket, useMessage } from './adapter.ts';
