import type { Options } from '@two-stage-socket/core';

/** The private channel `executions`; `getToken` asks GetWebSocketsToken, and signs that by itself. */
export function kraken(app: { url: string; getToken: () => string | Promise<string> }) {
  return {
    url: app.url,
    initPayload: async () => ({
      method: 'subscribe',
      params: { channel: 'executions', token: await app.getToken() },
    }),
    isReady: (message: any) => message?.method === 'subscribe' && message.success === true,
    // What is no session's fault, such as EService:Unavailable, is left to the timeout, and tried again.
    isRejected: (message: any) => /^E(Session|API|Account):/.test(message?.error),
    heartbeat: {
      interval: 5000,
      ping: () => ({ method: 'ping' }),
      isPong: (message) => message?.method === 'pong' || message?.channel === 'heartbeat',
    },
  } satisfies Options<any, any>;
}
