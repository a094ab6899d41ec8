import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromEnvelope, jsonCodec, parseControl, toEnvelope } from './codec.ts';

const binary = [
  new ArrayBuffer(2),
  new Uint8Array(2),
  new DataView(new ArrayBuffer(2)),
  new Blob(['x']),
];

test.each(binary)('%o goes as it is, on both wires', (message) => {
  expect(jsonCodec.encode(message)).toBe(message);
  expect(toEnvelope({ message, frame: message, codec: jsonCodec })).toBe(message);
});

test('binary frames are messages as they are', () => {
  const frame = new ArrayBuffer(2);
  expect([...jsonCodec.decode(frame)]).toEqual([frame]);
});

test('any JSON of the application survives either wire', () => {
  const json = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(json, (message) => {
      const frame = jsonCodec.encode(message);
      const same = JSON.parse(JSON.stringify(message));
      if (typeof message === 'object' && message !== null) {
        expect([...jsonCodec.decode(frame as string)]).toEqual([same]);
      }
      const control = parseControl(toEnvelope({ message, frame, codec: jsonCodec }) as string);
      expect(control?.type).toBe('message');
      expect([...fromEnvelope(control?.data, jsonCodec)]).toEqual([same]);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test('no frame of the server makes reading throw', () => {
  const frame = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map((json) => json.slice(0, -1)),
  );
  fc.assert(
    fc.property(frame, (text) => {
      expect([...jsonCodec.decode(text)]).toHaveLength(1);
      const control = parseControl(text);
      if (control) expect(typeof control.type).toBe('string');
    }),
    { seed: 1, numRuns: 300 },
  );
});

test('a deep frame is a frame like any other', () => {
  const deep = '['.repeat(10_000) + ']'.repeat(10_000);
  expect([...jsonCodec.decode(deep)]).toHaveLength(1);
});

test('a frame cannot reach a prototype', () => {
  const [message] = jsonCodec.decode('{"__proto__":{"type":"ready"}}') as any[];
  expect(Object.getPrototypeOf(message)).toBe(Object.prototype);
  expect(parseControl('{"__proto__":{"type":"ready"}}')).toBeUndefined();
});

test.each([
  ['{"type":"ping"}', 'ping'],
  ['{"type":""}', ''],
  ['{"type":5}', undefined],
  ['{}', undefined],
  ['null', undefined],
  ['"ping"', undefined],
  ['ping', undefined],
])('%s is a control frame of type %s', (frame, type) => {
  expect(parseControl(frame)?.type).toBe(type);
});

test('a codec of the application is inside the envelope, where its text is', () => {
  const codec = { encode: String, decode: (frame: unknown) => [`decoded ${frame}`] };
  expect(toEnvelope({ message: { a: 1 }, frame: 'encoded "it"', codec })).toBe(
    '{"type":"message","data":"encoded \\"it\\""}',
  );
  expect([...fromEnvelope('text', codec)]).toEqual(['decoded text']);
  expect([...fromEnvelope({ not: 'text' }, codec)]).toEqual([{ not: 'text' }]);
});
