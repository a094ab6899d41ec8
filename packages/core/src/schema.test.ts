import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { type TwoStageError, TwoStageSocket } from './index.ts';
import { rig, v1 } from './testing/fakes.test.util.ts';

const schemas = {
  zod: z.object({ text: z.string().trim() }),
  valibot: v.object({ text: v.pipe(v.string(), v.trim()) }),
  arktype: type({ text: 'string.trim' }),
};

/** A schema by hand, which is all that the standard asks for. */
const schema = (validate: (value: unknown) => any) => ({
  '~standard': { version: 1 as const, vendor: 'test', validate },
});

async function ready(given: object) {
  const made = rig(given);
  const errors: TwoStageError[] = [];
  made.socket.on('error', (error) => errors.push(error));
  return { ...made, ws: await made.become('ready'), errors };
}

describe.each(Object.entries(schemas))('a schema of %s', (_, schema) => {
  test('lets through what it makes of a message, and reports one that fails', async () => {
    const { socket, ws, events, errors } = await ready({ schema });
    ws.say({ text: ' one ' });
    ws.say({ text: 2 });
    ws.say({ text: 'three' });
    expect(events.slice(-3)).toEqual([
      'message {"text":"one"}',
      'error message-invalid',
      'message {"text":"three"}',
    ]);
    expect(errors[0]).toMatchObject({ stage: 'ready', code: 'message-invalid', retryable: false });
    expect(Array.from(errors[0]?.cause as any)).toMatchObject([{ message: expect.any(String) }]);
    expect(socket.getSnapshot().status).toBe('ready');
  });
});

describe('a schema', () => {
  const fails = { issues: [{ message: 'no' }] };

  test('checks the messages of both wires, and neither the ack nor control frames', async () => {
    const validate = vi.fn((value: unknown) => ({ value }));
    const given = { schema: schema(validate) };
    const original = await ready(given);
    original.ws.say({ n: 1 });
    const { ws } = await ready({ ...given, protocols: v1 });
    ws.say({ type: 'pong' });
    ws.say({ type: 'message', data: { n: 2 } });
    const bytes = new Uint8Array([7]).buffer;
    ws.say(bytes);
    expect(validate.mock.calls.flat()).toEqual([{ n: 1 }, { n: 2 }, bytes]);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('a bug');
      },
      new Error('a bug'),
    ],
    [
      'throws nothing',
      () => {
        throw undefined;
      },
      new TypeError('schema threw nothing'),
    ],
    [
      'would answer later',
      () => Promise.reject(new Error('later')),
      new TypeError('schema must validate synchronously'),
    ],
    ['gives issues beside a value', () => ({ value: 1, ...fails }), fails.issues],
  ])('that %s harms nothing but the message', async (_, validate, cause) => {
    const { socket, ws, events, errors } = await ready({ schema: schema(validate) });
    ws.say('one');
    expect(events.at(-1)).toBe('error message-invalid');
    expect(errors[0]?.cause).toEqual(cause);
    expect(socket.send('still here')).toBe('sent');
  });

  test('may give no issues beside a value', async () => {
    const { ws, events } = await ready({
      schema: schema((value) => ({ value, issues: undefined })),
    });
    ws.say('one');
    expect(events.at(-1)).toBe('message "one"');
  });

  test.each([
    ['passes the message', (value: unknown) => ({ value })],
    ['does not', () => fails],
  ])('that closes the socket that asks it, and %s, is told no more of', async (_, judge) => {
    const { socket, ws, events } = await ready({
      schema: schema((value) => {
        socket.close();
        return judge(value);
      }),
    });
    ws.say('one');
    expect(events.at(-1)).toBe('close');
  });

  test('may be another later', async () => {
    const { socket, ws, events } = await ready({ schema: schema(() => fails) });
    socket.configure({ schema: schema(() => ({ value: 'checked' })) });
    ws.say('one');
    expect(events.at(-1)).toBe('message "checked"');
  });

  test.each([[{}], [{ '~standard': {} }], [z.string]])('that is none is refused: %o', (given) => {
    const schema = given as any;
    expect(() => new TwoStageSocket({ url: 'wss://chat.test', schema })).toThrow(
      new TypeError('TwoStageSocket: schema must be a Standard Schema'),
    );
  });
});
