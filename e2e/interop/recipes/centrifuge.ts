import type { Options } from '@two-stage-socket/core';

/** Commands and replies; ids from 3 on are the app's. `getToken` is for the upgrade. */
export function centrifuge(app: {
  url: string;
  getToken: Options['getToken'];
  getConnectionToken: () => string | Promise<string>;
}) {
  return {
    url: app.url,
    getToken: app.getToken,
    async initPayload({ reason }) {
      const token = await app.getConnectionToken();
      return reason === 'renew' ? { id: 2, refresh: { token } } : { id: 1, connect: { token } };
    },
    isReady: (reply: any) => Boolean(reply?.connect ?? reply?.refresh),
    isRejected: (reply: any) => reply?.id < 3 && reply.error && !reply.error.temporary,
    expiresIn: (reply) => (reply.connect ?? reply.refresh).ttl * 1000,
    heartbeat: { pong: (reply) => (JSON.stringify(reply) === '{}' ? {} : undefined) },
    codec: {
      encode: JSON.stringify,
      decode: (frame) => (String(frame).match(/[^\n]+/g) ?? []).map((line) => JSON.parse(line)),
    },
    // Codes that say not to come back.
    retry: { decide: ({ closeCode }) => (/^[34][5-9]/.test(`${closeCode}`) ? false : undefined) },
  } satisfies Options<any, any>;
}
