import type { Options } from '@two-stage-socket/core';

const starts = (packet: string) => (message: any) => message?.startsWith?.(packet) === true;

/** Events are arrays, `['name', ...arguments]`; every other packet is the text that it came as. */
export function socketIo(app: {
  url: string;
  getToken: Options['getToken'];
  getAuth: () => object | Promise<object>;
}) {
  return {
    url: `${app.url}/socket.io/?EIO=4&transport=websocket`,
    getToken: app.getToken,
    isChallenge: starts('0{'),
    initPayload: async () => `40${JSON.stringify(await app.getAuth())}`,
    isReady: starts('40'),
    isRejected: starts('44'),
    heartbeat: { pong: (message) => (message === '2' ? '3' : undefined) },
    codec: {
      encode: (message) => (Array.isArray(message) ? `42${JSON.stringify(message)}` : message),
      decode: (frame) => [starts('42[')(frame) ? JSON.parse(String(frame).slice(2)) : frame],
    },
  } satisfies Options<any, any>;
}
