import type { ErrorCode, Failure, Stage } from './errors.ts';

const busyCodes = [1012, 1013, 4429];

/** What the end of a connection means in the stage in which it came. */
export function closeFailure(
  stage: Stage,
  closeCode: number,
  reason: string,
): Failure {
  const busy = busyCodes.includes(closeCode);
  return {
    stage,
    code: closeErrorCode(stage, closeCode, busy),
    closeCode,
    retryAfter: busy ? toDelay(/retry-after=(\d+)/.exec(reason)?.[1]) : undefined,
  };
}

function closeErrorCode(
  stage: Stage,
  closeCode: number,
  busy: boolean,
): ErrorCode {
  if (stage === 'connect') return 'connect-failed';
  if (closeCode === 4401) return 'unauthorized';
  if (closeCode === 4403) return 'forbidden';
  if (closeCode === 4400) return 'protocol-error';
  if (busy) return 'server-busy';
  if (stage === 'ready') return 'connection-lost';
  return closeCode === 4408 ? 'init-timeout' : 'init-dropped';
}

/** What it means that a function of the app threw: a `Response`, or anything with `status` and `retryAfter`. */
export function appFailure(stage: Stage, code: ErrorCode, cause: any): Failure {
  const status = typeof cause?.status === 'number' ? cause.status : undefined;
  return {
    stage,
    code: status === 401 || status === 403 ? 'unauthorized' : code,
    status,
    retryAfter: toDelay(cause?.retryAfter) ?? headerDelay(cause?.headers?.get?.('retry-after')),
    cause,
  };
}

/** A `Retry-After` header in ms: seconds or a date (RFC 9110 section 10.2.3). */
export function headerDelay(value: string | null | undefined): number | undefined {
  if (!value) return undefined;
  return toDelay(Number(value) * 1000) ?? toDelay(Math.max(0, Date.parse(value) - Date.now()));
}

function toDelay(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Number(value) : value;
  return typeof ms === 'number' && ms >= 0 ? ms : undefined;
}
