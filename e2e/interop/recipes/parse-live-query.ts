import type { Options } from '@two-stage-socket/core';

/** A token in the URL for the upgrade, then `connect` with the application's key and the user's session. */
export function parseLiveQuery(app: {
  url: string;
  getToken: Options['getToken'];
  applicationId: string;
  javascriptKey: string;
  getSessionToken: () => string | undefined | Promise<string | undefined>;
}) {
  const { applicationId, javascriptKey } = app;
  return {
    url: app.url,
    getToken: app.getToken,
    initPayload: async () => {
      const sessionToken = await app.getSessionToken();
      return { op: 'connect', applicationId, javascriptKey, sessionToken };
    },
    isReady: (message: any) => message?.op === 'connected',
    isRejected: (message: any) => message?.op === 'error',
  } satisfies Options<any, any>;
}
