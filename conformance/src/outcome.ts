/** Thrown by a row when the server breaks the rule. */
export class Failure extends Error {
  override name = 'Failure';
}

/** Thrown by a row that cannot judge this server; the message says why, and what would let it. */
export class NotRun extends Error {
  override name = 'NotRun';
}

/** @throws {Failure} that says what was expected, and what came instead */
export function fail(expected: string, got: string): never {
  throw new Failure(`expected ${expected}; got ${got}`);
}

/** Requires that a condition holds. */
export function expect(condition: boolean, expected: string, got: string): asserts condition {
  if (!condition) fail(expected, got);
}

/** Says in a failure which of several things a row tried it is about. */
export async function about<T>(what: string, wait: Promise<T>): Promise<T> {
  try {
    return await wait;
  } catch (error) {
    if (error instanceof Failure) throw new Failure(`${what}: ${error.message}`);
    throw error;
  }
}

/** A value for people, at most a line of it. */
export function show(value: unknown): string {
  const text =
    typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? 'nothing');
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
