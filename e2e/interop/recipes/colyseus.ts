import type { Options } from '@two-stage-socket/core';

const starts = (code: number) => (message: unknown) =>
  message instanceof ArrayBuffer && new Uint8Array(message)[0] === code;

/** A seat in a room for each connection; the server's `JOIN_ROOM`, 10, is echoed, and `ERROR` is 11. */
export function colyseus(app: {
  endpoint: string;
  roomName: string;
  options?: object;
  getAuthToken: () => string | Promise<string>;
}) {
  return {
    getToken: async ({ signal }) => {
      const authorization = `Bearer ${await app.getAuthToken()}`;
      const headers = { authorization, 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body: JSON.stringify(app.options ?? {}), signal };
      const response = await fetch(`${app.endpoint}/matchmake/joinOrCreate/${app.roomName}`, init);
      // 525 is what an `onAuth` that gives `false` ends in.
      if (!response.ok) throw response.status === 525 ? { status: 401 } : response;
      const { processId, roomId, sessionId } = await response.json();
      return { url: `${app.endpoint}/${processId}/${roomId}?sessionId=${sessionId}` };
    },
    isChallenge: starts(10),
    initPayload: Uint8Array.of(10),
    isReady: starts(10),
    isRejected: starts(11),
  } satisfies Options<any, any>;
}
