import { fetchToken, type Options } from '@two-stage-socket/core';

/** A PubSub client; `negotiateUrl` is your server's, and answers `{ url }`, the Client Access URL. */
export function azureWebPubSub(app: {
  negotiateUrl: string;
  getHeaders: () => HeadersInit | Promise<HeadersInit>;
}) {
  return {
    getToken: fetchToken(app.negotiateUrl, async () => ({ headers: await app.getHeaders() })),
    protocols: 'json.webpubsub.azure.v1',
    isReady: (message: any) => message?.type === 'system' && message.event === 'connected',
    isRejected: (message: any) => message?.type === 'system' && message.event === 'disconnected',
    heartbeat: {
      interval: 20_000,
      ping: () => ({ type: 'ping' }),
      isPong: (message) => message?.type === 'pong',
    },
  } satisfies Options<any, any>;
}
