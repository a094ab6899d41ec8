import type { Options } from '@two-stage-socket/core';

/** One channel, joined on every connection; `getToken` is for `connect/3`, `getParams` for `join/3`. */
export function phoenix(app: {
  endpoint: string;
  topic: string;
  getToken: Options['getToken'];
  getParams: () => object | Promise<object>;
}) {
  const isReply = (message: any, ref: string, status: string) =>
    message?.[1] === ref && message[3] === 'phx_reply' && message[4]?.status === status;
  return {
    url: `${app.endpoint}/websocket?vsn=2.0.0`,
    getToken: app.getToken,
    initPayload: async () => ['1', '1', app.topic, 'phx_join', await app.getParams()],
    isReady: (message) => isReply(message, '1', 'ok'),
    isRejected: (message) => isReply(message, '1', 'error'),
    heartbeat: {
      interval: 30_000,
      ping: () => [null, 'heartbeat', 'phoenix', 'heartbeat', {}],
      isPong: (message) => isReply(message, 'heartbeat', 'ok'),
    },
  } satisfies Options<any, any>;
}
