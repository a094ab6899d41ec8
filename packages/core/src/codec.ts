import type { Codec, Frame } from './types.ts';

/** A message with the frame that it became when it was sent: changing it later changes nothing. */
export interface Entry {
  readonly message: unknown;
  readonly frame: Frame;
  /** What made the frame: the one in use may be another by the time that it leaves. */
  readonly codec: Codec;
}

const isBinary = (message: unknown): message is Exclude<Frame, string> =>
  message instanceof ArrayBuffer ||
  ArrayBuffer.isView(message) ||
  (typeof Blob === 'function' && message instanceof Blob);

/** Whether what a codec gave can be a frame; its buffers may be of another realm. */
export const isFrame = (frame: any): boolean =>
  typeof frame === 'string' || frame?.byteLength >= 0 || frame?.size >= 0;

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
    return [(typeof frame === 'string' && /^[[{]/.test(frame) && parse(frame)) || frame];
  },
};

/**
 * A frame of the original wire as one of `two-stage.v1`: text goes into an envelope, so that no name
 * of the application's is reserved; binary frames are the application's on both.
 */
export function toEnvelope({ message, frame, codec }: Entry): Frame {
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
  const control = parse(frame);
  return typeof control?.type === 'string' ? control : undefined;
}

function parse(json: string): any {
  try {
    return JSON.parse(json);
  } catch {}
}
