import type { Codec, Frame } from './types.ts';

const isBinary = (message: unknown): message is Exclude<Frame, string> =>
  message instanceof ArrayBuffer ||
  ArrayBuffer.isView(message) ||
  (typeof Blob === 'function' && message instanceof Blob);

/**
 * The default codec: strings and binary as they are, anything else as JSON. What does not start like
 * an object or an array of JSON, or is not JSON after all, stays a string.
 */
export const jsonCodec: Codec = {
  encode(message) {
    if (typeof message === 'string' || isBinary(message)) return message;
    const json = JSON.stringify(message);
    if (json === undefined) throw new TypeError(`send: a ${typeof message} has no JSON`);
    return json;
  },
  decode(frame) {
    if (typeof frame === 'string' && (frame[0] === '{' || frame[0] === '[')) {
      try {
        return [JSON.parse(frame)];
      } catch {}
    }
    return [frame];
  },
};

/**
 * A frame of the original wire as one of `two-stage.v1`: text goes into an envelope, so that no name
 * of the application's is reserved; binary frames are the application's on both.
 */
export function toEnvelope(message: unknown, frame: Frame, codec: Codec): Frame {
  if (typeof frame !== 'string') return frame;
  const isJson = codec === jsonCodec && typeof message !== 'string';
  return `{"type":"message","data":${isJson ? frame : JSON.stringify(frame)}}`;
}

/** The application's messages in the data of an envelope. */
export function fromEnvelope(data: unknown, codec: Codec): Iterable<unknown> {
  return codec !== jsonCodec && typeof data === 'string' ? codec.decode(data) : [data];
}

/** A text frame of `two-stage.v1`, or `undefined` where it is none. */
export function parseControl(
  frame: string,
): { readonly type: string; readonly [member: string]: unknown } | undefined {
  try {
    const control = JSON.parse(frame);
    return typeof control?.type === 'string' ? control : undefined;
  } catch {
    return undefined;
  }
}
