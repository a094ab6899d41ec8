export { type ErrorCode, type Stage, TwoStageError } from './errors.ts';
export { type FetchTokenInit, fetchToken } from './fetch-token.ts';
export { orThrow } from './or-throw.ts';
export { type ReducedMessages, reduceMessages } from './reduce-messages.ts';
export { TwoStageSocket } from './socket.ts';
export type {
  Codec,
  Context,
  Environment,
  Events,
  Frame,
  Given,
  GivenToken,
  Heartbeat,
  History,
  Options,
  Page,
  PageEvent,
  PayloadContext,
  QueueOptions,
  Reason,
  RetryOptions,
  Schema,
  SchemaResult,
  State,
  Status,
  Timeouts,
  Token,
  TokenContext,
  Trying,
  Unsent,
  Until,
  UrlContext,
  Waiting,
  WebSocketConstructor,
  WebSocketLike,
  Wire,
} from './types.ts';
