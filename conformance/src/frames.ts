import { randomBytes } from 'node:crypto';

/** Kinds of frames (RFC 6455, section 5.2). */
export const Opcode = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

/** One frame as it came. */
export interface RawFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Buffer;
}

/** A client's frame: masked (RFC 6455, section 5.3). */
export function encodeFrame(opcode: number, data: string | Buffer): Buffer {
  const payload = Buffer.from(data);
  const mask = randomBytes(4);
  for (let index = 0; index < payload.length; index += 1) {
    payload[index] = (payload[index] as number) ^ (mask[index % 4] as number);
  }
  return Buffer.concat([frameHeader(opcode, payload.length), mask, payload]);
}

/** The beginning of a client's frame, up to its mask. */
export function frameHeader(opcode: number, length: number): Buffer {
  const first = 0x80 | opcode;
  if (length < 126) return Buffer.from([first, 0x80 | length]);
  if (length <= 0xffff) return Buffer.from([first, 0xfe, length >> 8, length & 0xff]);
  const header = Buffer.alloc(10);
  header[0] = first;
  header[1] = 0xff;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

/** A client's text frame. */
export const textFrame = (text: string): Buffer => encodeFrame(Opcode.text, text);

/** Takes a server's bytes apart. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;
  /** Bytes that a frame needs to be complete, as far as that is known. */
  #needed = 2;

  /** Takes bytes, and answers the frames they complete. */
  push(chunk: Buffer): RawFrame[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const frames: RawFrame[] = [];
    while (this.#size >= this.#needed) {
      const bytes = Buffer.concat(this.#chunks);
      const frame = this.#read(bytes);
      this.#chunks = [frame === undefined ? bytes : bytes.subarray(this.#needed)];
      this.#size = (this.#chunks[0] as Buffer).length;
      if (frame === undefined) continue;
      this.#needed = 2;
      frames.push(frame);
    }
    return frames;
  }

  /** The frame at the beginning, if it is all there; otherwise finds out how much is needed. */
  #read(bytes: Buffer): RawFrame | undefined {
    const first = bytes.readUInt8(0);
    const short = bytes.readUInt8(1) & 0x7f;
    const header = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
    this.#needed = header;
    if (bytes.length < header) return undefined;
    let length = short;
    if (short === 126) length = bytes.readUInt16BE(2);
    if (short === 127) length = Number(bytes.readBigUInt64BE(2));
    this.#needed = header + length;
    if (bytes.length < this.#needed) return undefined;
    return {
      opcode: first & 0x0f,
      isFinal: first >= 0x80,
      payload: bytes.subarray(header, this.#needed),
    };
  }
}
