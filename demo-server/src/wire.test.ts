import fc from 'fast-check';
import { expect, test } from 'vitest';
import { originalWire, readInitPayload, twoStageWire } from './wire.ts';

test('whatever a text frame holds, decoding it does not throw', () => {
  const frames = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.record({ type: fc.anything(), token: fc.anything(), data: fc.anything() }).map((value) => {
      try {
        return JSON.stringify(value);
      } catch {
        return '';
      }
    }),
  );
  fc.assert(
    fc.property(frames, (frame) => {
      const incoming = twoStageWire.decode(frame);
      if (incoming.kind === 'jwt') expect(typeof incoming.token).toBe('string');
      expect(originalWire.decode(frame)).toEqual({ kind: 'message', data: frame });
      const token = readInitPayload(frame);
      expect(['string', 'undefined']).toContain(typeof token);
    }),
  );
});

test('every value of the application’s comes through two-stage.v1 unchanged', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (data) => {
      const text = JSON.stringify(data);
      const incoming = twoStageWire.decode(twoStageWire.encode(JSON.parse(text)));
      expect(incoming).toEqual({ kind: 'message', data: JSON.parse(text) });
    }),
  );
});

test('the original wire sends strings as they are and anything else as JSON', () => {
  expect(originalWire.encode('plain "text"')).toBe('plain "text"');
  expect(originalWire.encode({ a: 1 })).toBe('{"a":1}');
  expect(originalWire.goingAway({ retryAfter: 1, deadline: 2 })).toBeUndefined();
});

test('S7 a prototype lends no members', () => {
  expect(twoStageWire.decode('{"__proto__":{"type":"ping"}}')).toEqual({ kind: 'invalid' });
  expect(readInitPayload('{"__proto__":{"type":"jwt","token":"x"}}')).toBeUndefined();
  expect(Object.hasOwn(Object.prototype, 'type')).toBe(false);
});
