import type { Codec, Options } from '@two-stage-socket/core';

/** Lines, each with the payload it announces; `getAuth` may sign the nonce. What is sent is text or bytes. */
export function nats(app: { url: string; getAuth: (nonce?: string) => object | Promise<object> }) {
  let stream = createStream();
  const is = (op: string) => (message: any) => message?.line?.startsWith(op) === true;
  return {
    url() {
      stream = createStream();
      return app.url;
    },
    isChallenge: is('INFO '),
    async initPayload({ challenge }) {
      const auth = await app.getAuth(JSON.parse(challenge.line.slice(5)).nonce);
      return `CONNECT ${JSON.stringify({ verbose: false, protocol: 1, ...auth })}\r\nPING\r\n`;
    },
    isReady: is('PONG'),
    isRejected: is("-ERR 'Authorization Violation'"),
    heartbeat: {
      interval: 30_000,
      ping: () => 'PING\r\n',
      isPong: is('PONG'),
      pong: (message) => (is('PING')(message) ? 'PONG\r\n' : undefined),
    },
    codec: { encode: (text) => text, decode: (frame) => stream(frame) },
  } satisfies Options<any, any>;
}

/** Reads the frames of one connection: a message may share its frame, or span several. */
function createStream(): Codec['decode'] {
  let rest = new Uint8Array();
  return (frame) => {
    const piece = typeof frame === 'string' ? new TextEncoder().encode(frame) : frame;
    let bytes = new Uint8Array(rest.length + piece.byteLength);
    bytes.set(rest);
    bytes.set(new Uint8Array(piece), rest.length);
    const messages = [];
    for (;;) {
      const start = bytes.indexOf(10) + 1;
      const line = new TextDecoder().decode(bytes.subarray(0, start)).trimEnd();
      const size = /^H?MSG .* (\d+)$/.exec(line)?.[1];
      const end = start + Number(size ?? 0);
      const next = size ? end + 2 : end;
      if (!start || next > bytes.length) break;
      messages.push(size ? { line, payload: bytes.slice(start, end) } : { line });
      bytes = bytes.subarray(next);
    }
    rest = bytes;
    return messages;
  };
}
