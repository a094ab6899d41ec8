import type { Options } from '@two-stage-socket/core';

/** The WebSocket API of Home Assistant, which speaks first and answers pings. */
export function homeAssistant(app: {
  hassUrl: string;
  getAccessToken: (signal: AbortSignal) => Promise<string>;
  /** For every command: an id must be greater than those before it. */
  nextId: () => number;
}) {
  return {
    url: new URL('/api/websocket', app.hassUrl),
    isChallenge: (message: any) => message?.type === 'auth_required',
    initPayload: async ({ signal }) => ({
      type: 'auth',
      access_token: await app.getAccessToken(signal),
    }),
    isReady: (message: any) => message?.type === 'auth_ok',
    isRejected: (message: any) => message?.type === 'auth_invalid',
    heartbeat: {
      interval: 30_000,
      ping: () => ({ id: app.nextId(), type: 'ping' }),
      isPong: (message) => message?.type === 'pong',
    },
  } satisfies Options<any, any>;
}
