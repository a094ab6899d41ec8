import type { Response } from 'express';

/** The body of every successful answer of the API. */
export interface Success {
  readonly status: 1;
  readonly message?: string;
  readonly data?: unknown;
}

/** The body of every other answer. `retryAfter` is in ms: the header counts in whole seconds. */
export interface Failure {
  readonly status: 0;
  readonly message: string;
  readonly data?: { readonly retryAfter: number };
}

/** A failure, with `retryAfter` ms if coming back then may help. */
export function failure(message: string, retryAfter?: number): Failure {
  return { status: 0, message, ...(retryAfter !== undefined && { data: { retryAfter } }) };
}

/** The value of a `Retry-After` header (RFC 9110, section 10.2.3) for a delay in ms. */
export function retryAfterSeconds(delay: number): string {
  return String(Math.ceil(delay / 1000));
}

/** Answers a success. */
export function succeed(response: Response, success: Omit<Success, 'status'>): void {
  response.json({ status: 1, ...success } satisfies Success);
}

/** Answers a failure. */
export function fail(
  response: Response,
  status: number,
  message: string,
  retryAfter?: number,
): void {
  if (retryAfter !== undefined) response.set('Retry-After', retryAfterSeconds(retryAfter));
  response.status(status).json(failure(message, retryAfter));
}
