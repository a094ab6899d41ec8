/**
 * Takes the bytes of one side of a WebSocket apart and adds each text frame to `texts`: RFC 6455,
 * section 5.2, without fragments and extensions, which neither side uses here.
 */
export function createFrameReader(texts: string[]): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const frame = readFrame(rest);
      if (!frame) return;
      if (frame.opcode === 1) texts.push(frame.payload.toString());
      rest = rest.subarray(frame.end);
    }
  };
}

/** The first frame, once all of it is there. */
function readFrame(bytes: Buffer) {
  if (bytes.length < 2) return undefined;
  const isMasked = bytes.readUInt8(1) >= 0x80;
  const short = bytes.readUInt8(1) & 0x7f;
  const lengthBytes = { 126: 2, 127: 8 }[short] ?? 0;
  const maskStart = 2 + lengthBytes;
  const start = maskStart + (isMasked ? 4 : 0);
  if (bytes.length < start) return undefined;
  // The upper half of the long form counts what no frame here has.
  const length = lengthBytes
    ? bytes.readUIntBE(lengthBytes === 2 ? 2 : 4, lengthBytes === 2 ? 2 : 6)
    : short;
  const end = start + length;
  if (bytes.length < end) return undefined;
  const payload = Buffer.from(bytes.subarray(start, end));
  if (isMasked) {
    for (let i = 0; i < length; i++) {
      payload[i] = payload.readUInt8(i) ^ bytes.readUInt8(maskStart + (i % 4));
    }
  }
  return { opcode: bytes.readUInt8(0) & 0x0f, payload, end };
}
