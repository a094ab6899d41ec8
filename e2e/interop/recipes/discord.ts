import type { Options } from '@two-stage-socket/core';

/** A bot that resumes its session. Its first event is the ack; yours to do: `reconnect()` at op 7 and op 9. */
export function discord(app: {
  url: string;
  identify: { token: string; [field: string]: unknown };
}) {
  let session: { id: string; url: string } | undefined;
  let seq: number | null = null;
  const beat = () => ({ op: 1, d: seq });
  return {
    url: ({ reason }) =>
      `${(reason !== 'connect-failed' && session?.url) || app.url}/?v=10&encoding=json`,
    isChallenge: (message: any) => message?.op === 10,
    // An end before the ack, such as 4007, is what a resume looks like that came to nothing.
    initPayload: ({ reason }) =>
      session && reason !== 'init-dropped'
        ? { op: 6, d: { token: app.identify.token, session_id: session.id, seq } }
        : { op: 2, d: app.identify },
    isReady: (message: any) => message?.op === 0,
    isRejected: (message: any) => message?.op === 9,
    heartbeat: {
      interval: 40_000,
      ping: beat,
      isPong: (message) => message?.op === 11,
      pong: (message) => (message?.op === 1 ? beat() : undefined),
    },
    codec: {
      encode: JSON.stringify,
      decode(frame) {
        const message = JSON.parse(String(frame));
        const { op, d, s, t } = message ?? {};
        if (t === 'READY') session = { id: d.session_id, url: d.resume_gateway_url };
        if (op === 9 && !d) session = undefined;
        if (op === 0) seq = s;
        return [message];
      },
    },
    retry: {
      decide({ code, closeCode, retryable }) {
        if (/^40(04|1[0-4])$/.test(String(closeCode))) return false;
        return code === 'unauthorized' && !retryable ? 5000 : undefined;
      },
    },
    // 1000 would end the session.
    WebSocket: class extends WebSocket {
      override close(code = 1000, reason?: string) {
        super.close(code === 1000 ? 4200 : code, reason);
      }
    },
  } satisfies Options<any, any>;
}
