import { fromEnvelope, jsonCodec, parseControl, toEnvelope } from './codec.ts';
import { v1 } from './connection.ts';
import type { Codec, Wire } from './types.ts';

/** What a server reads out of a frame of a ready connection. */
export type Heard =
  | { readonly kind: 'messages'; readonly messages: Iterable<unknown> }
  | { readonly kind: 'renewal'; readonly payload: unknown }
  | { readonly kind: 'ping' | 'invalid' | 'nothing' };

/** A frame as a fake carries it: text, or bytes of their own. */
export type Carried = string | ArrayBuffer;

/** A server's side of a wire. */
export interface FakeWire {
  /** The init payload in the first frame of a socket. */
  readInit(frame: Carried): unknown;
  read(frame: Carried): Heard;
  /** The ack; members or a message of the test's own in place of the usual. */
  ack(given?: unknown): Carried;
  say(message: unknown): Carried;
}

const originalAck = 'authentication successful';
const v1Ack = { type: 'ready', user: 'ada', expiresIn: 3_600_000, heartbeat: 25_000 };

/** @param offered The subprotocols that came with the upgrade. */
export function createFakeWire(wire: Wire, offered: readonly string[], codec: Codec): FakeWire {
  const isV1 = wire === v1;
  // A client that has offered the wire writes the init payload, and reads the ack, as JSON.
  const initCodec = offered.includes(v1) ? jsonCodec : codec;

  return {
    readInit: (frame) => [...initCodec.decode(frame)][0],
    read(frame) {
      if (!isV1 || typeof frame !== 'string') {
        return { kind: 'messages', messages: codec.decode(frame) };
      }
      const control = parseControl(frame);
      if (!control) return { kind: 'invalid' };
      if (control.type === 'message') {
        return { kind: 'messages', messages: fromEnvelope(control.data ?? null, codec) };
      }
      if (control.type === 'jwt') return { kind: 'renewal', payload: control };
      return { kind: control.type === 'ping' ? 'ping' : 'nothing' };
    },
    ack(given) {
      if (isV1) return JSON.stringify({ ...v1Ack, ...(given as object) });
      const message = given ?? originalAck;
      return typeof message === 'string' ? message : carry(initCodec.encode(message));
    },
    say(message) {
      const frame = codec.encode(message);
      return carry(isV1 ? toEnvelope({ message, frame, codec }) : frame);
    },
  };
}

/**
 * A frame with bytes of its own, whatever it came as and of whichever realm.
 * @throws TypeError for a `Blob`, whose bytes nobody can have at once.
 */
export function carry(frame: any): Carried {
  if (typeof frame === 'string') return frame;
  if (ArrayBuffer.isView(frame)) {
    return Uint8Array.from(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength)).buffer;
  }
  if (frame?.byteLength >= 0) return frame.slice(0);
  throw new TypeError('A fake server carries strings, ArrayBuffers and views of them, not Blobs');
}
