import { systemEnvironment } from './environment.ts';

/** How long one operation of a store may take, in ms, before it rejects with `StoreUnavailable`. */
export const STORE_TIMEOUT = 2000;

/**
 * A database did not do what it was asked, or did not say so in time: it may have. Its message
 * names the database and the kind of failure, and quotes nothing: what the databases' clients say
 * holds addresses, and values of those who called.
 */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable';
  /** The kind of failure: `TIMEOUT`, a system's code like `ECONNREFUSED`, or an error's name. */
  readonly code: string;

  constructor(store: string, code: string) {
    super(`${store} is unavailable: ${code}`);
    this.code = code;
  }
}

/**
 * Settles as `operation` does, in `timeout` ms or less.
 *
 * The time is real, whatever the environment of the caller: so is the database.
 *
 * @throws {StoreUnavailable} if it rejects, or takes longer; it then runs on, unheard
 */
export function reach<T>(store: string, timeout: number, operation: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (code: string): void => reject(new StoreUnavailable(store, code));
    const cancel = systemEnvironment.after(timeout, () => fail('TIMEOUT'));
    // Called in a `then`: what it throws at once is one of its failures too.
    Promise.resolve()
      .then(operation)
      .then(resolve, (error: unknown) => fail(kindOf(error)))
      .finally(cancel);
  });
}

/** What kind of failure an error is, without quoting what it says. */
export function kindOf(error: unknown): string {
  if (error instanceof StoreUnavailable) return error.code;
  if (!(error instanceof Error)) return typeof error;
  const { code, codeName } = error as { code?: unknown; codeName?: unknown };
  const known = [code, codeName].find((value) => typeof value === 'string');
  // Redis puts its code in front of the message: `WRONGPASS invalid username-password pair …`.
  return String(known ?? /^[A-Z]{2,}\b/.exec(error.message) ?? error.constructor.name);
}
