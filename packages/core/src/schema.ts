import type { Schema } from './types.ts';

/** Hands on what `schema` makes of a message, or returns why it does not. */
export function validate(
  schema: Schema | undefined,
  message: unknown,
  pass: (value: unknown) => void,
): unknown {
  try {
    const result: any = schema ? schema['~standard'].validate(message) : { value: message };
    if (result.issues) return result.issues;
    if ('value' in result) return pass(result.value);
    // A promise would let messages that come meanwhile overtake this one. Nobody waits for it.
    Promise.resolve(result).catch(() => {});
    return new TypeError('schema must validate synchronously');
  } catch (error) {
    return error || new TypeError('schema threw nothing');
  }
}
