import type { Schema } from './types.ts';

/** Hands on what `schema` makes of a message, or returns why it does not. */
export function validate(
  schema: Schema | undefined,
  message: unknown,
  pass: (value: unknown) => void,
): unknown {
  try {
    const result = schema ? schema['~standard'].validate(message) : { value: message };
    if ('issues' in result && result.issues) return result.issues;
    // A promise has no value yet, and messages that come meanwhile would overtake this one.
    return 'value' in result ? pass(result.value) : result;
  } catch (error) {
    return error || 'thrown';
  }
}
