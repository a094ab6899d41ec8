import type { Options } from '@two-stage-socket/core';

/** A token in the URL for the upgrade, a JWT in `connection_init`; pings go both ways. */
export function graphqlWs(app: {
  url: string;
  getToken: Options['getToken'];
  getJwt: () => string | Promise<string>;
}) {
  return {
    url: app.url,
    getToken: app.getToken,
    protocols: 'graphql-transport-ws',
    initPayload: async () => ({ type: 'connection_init', payload: { token: await app.getJwt() } }),
    isReady: (message: any) => message?.type === 'connection_ack',
    heartbeat: {
      interval: 30_000,
      ping: () => ({ type: 'ping' }),
      isPong: (message) => message?.type === 'pong',
      pong: (message) => (message?.type === 'ping' ? { type: 'pong' } : undefined),
    },
  } satisfies Options<any, any>;
}
