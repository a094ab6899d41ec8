import { expect, test } from 'vitest';
import { encodeFrame, FrameReader, frameHeader, Opcode, type RawFrame } from './frames.ts';

/** The same frame as a server sends it: not masked. */
function serverFrame(opcode: number, payload: Buffer): Buffer {
  const header = frameHeader(opcode, payload.length);
  header[1] = (header[1] as number) & 0x7f;
  return Buffer.concat([header, payload]);
}

test.for([0, 1, 125, 126, 65_535, 65_536, 200_000])('reads a frame of %i bytes', (length) => {
  const payload = Buffer.alloc(length, 'x');
  const [frame] = new FrameReader().push(serverFrame(Opcode.binary, payload));
  expect(frame?.opcode).toBe(Opcode.binary);
  expect(frame?.isFinal).toBe(true);
  expect(frame?.payload.equals(payload)).toBe(true);
});

test('reads frames whose bytes come one by one', () => {
  const bytes = Buffer.concat([
    serverFrame(Opcode.text, Buffer.from('hello')),
    serverFrame(Opcode.ping, Buffer.alloc(0)),
    serverFrame(Opcode.text, Buffer.alloc(300, 'y')),
  ]);
  const reader = new FrameReader();
  const frames: RawFrame[] = [];
  for (const byte of bytes) frames.push(...reader.push(Buffer.from([byte])));
  expect(frames.map(({ opcode, payload }) => [opcode, payload.length])).toEqual([
    [Opcode.text, 5],
    [Opcode.ping, 0],
    [Opcode.text, 300],
  ]);
});

test('masks what a client sends', () => {
  const frame = encodeFrame(Opcode.text, 'hello');
  const mask = frame.subarray(2, 6);
  const payload = frame.subarray(6).map((byte, index) => byte ^ (mask[index % 4] as number));
  expect(frame.subarray(0, 2)).toEqual(Buffer.from([0x81, 0x85]));
  expect(Buffer.from(payload).toString()).toBe('hello');
});
