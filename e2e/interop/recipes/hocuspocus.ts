import type { Options } from '@two-stage-socket/core';
import { encode, writeVarString } from 'lib0/encoding';

const write = (text: string) => encode((encoder) => writeVarString(encoder, text));

/** A document, by its name; `Auth` is 2: `Token` 0, `PermissionDenied` 1, `Authenticated` 2; `CLOSE` is 7. */
export function hocuspocus(app: {
  url: string;
  getToken: Options['getToken'];
  name: string;
  getAuthToken: () => string | Promise<string>;
  /** In ms, where `onTokenSync` answers a new token with `writeAuthenticated`. */
  authTokenLifetime?: number;
}) {
  const starts = (message: unknown, ...types: number[]) => {
    const bytes = message instanceof ArrayBuffer ? new Uint8Array(message) : [];
    return [...write(app.name), ...types].every((byte, i) => byte === bytes[i]);
  };
  return {
    url: app.url,
    getToken: app.getToken,
    initPayload: async () =>
      Uint8Array.of(...write(app.name), 2, 0, ...write(await app.getAuthToken())),
    isReady: (message) => starts(message, 2, 2),
    isRejected: (message) => starts(message, 2, 1) || starts(message, 7),
    expiresIn: () => app.authTokenLifetime,
  } satisfies Options<any, any>;
}
