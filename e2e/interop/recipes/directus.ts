import type { Options } from '@two-stage-socket/core';

/** The WebSocket API of Directus, whose ack does not say how long the access token lives. */
export function directus(app: {
  url: string;
  /** What its login or refresh has given, with `expires` in ms. */
  getTokens: (signal: AbortSignal) => Promise<{ access_token: string; expires: number }>;
}) {
  let expiresIn: number | undefined;
  return {
    url: new URL('/websocket', app.url),
    initPayload: async ({ signal }) => {
      const { access_token, expires } = await app.getTokens(signal);
      expiresIn = expires;
      return { type: 'auth', access_token };
    },
    isReady: (message: any) => message?.type === 'auth' && message.status === 'ok',
    isRejected: (message: any) => message?.error?.code === 'AUTH_FAILED',
    expiresIn: () => expiresIn,
    heartbeat: { pong: (message) => (message?.type === 'ping' ? { type: 'pong' } : undefined) },
  } satisfies Options<any, any>;
}
