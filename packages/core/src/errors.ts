/** The stage in which a failure happened. */
export type Stage = 'token' | 'connect' | 'init' | 'ready';

/** What went wrong. Stable; each has its section in `errors.md`. */
export type ErrorCode =
  | 'token-failed'
  | 'token-timeout'
  | 'token-suspect'
  | 'url-failed'
  | 'address-refused'
  | 'websocket-missing'
  | 'connect-failed'
  | 'connect-timeout'
  | 'init-failed'
  | 'init-timeout'
  | 'init-dropped'
  | 'unauthorized'
  | 'forbidden'
  | 'protocol-error'
  | 'server-busy'
  | 'connection-lost'
  | 'heartbeat-timeout'
  | 'renew-failed'
  | 'renew-timeout'
  | 'page-hidden'
  | 'frame-invalid'
  | 'message-invalid'
  | 'closed';

/** The facts of a failure, before it is known what the client does about it. */
export interface Failure {
  readonly stage: Stage;
  readonly code: ErrorCode;
  /** The HTTP status that one of the app's functions threw. */
  readonly status?: number | undefined;
  /** The code of the server's close. */
  readonly closeCode?: number | undefined;
  /** How long the server said to stay away, in ms. */
  readonly retryAfter?: number | undefined;
  /**
   * In the init stage, the shape of the last message that came, never what it says: `{type,message}`,
   * `string of 12`.
   */
  readonly received?: string | undefined;
  /** What one of the app's functions threw, or the issues of `schema`, which may hold the message. Never an error of a `WebSocket`: those hold the URL and its token. */
  readonly cause?: unknown;
}

/** Everything that goes wrong at run time. Carries neither tokens nor payloads. */
export class TwoStageError extends Error implements Failure {
  override readonly name = 'TwoStageError';
  declare readonly stage: Stage;
  declare readonly code: ErrorCode;
  declare readonly status?: number | undefined;
  declare readonly closeCode?: number | undefined;
  declare readonly retryAfter?: number | undefined;
  declare readonly received?: string | undefined;
  /** Whether trying again, with nothing else changed, may help. */
  declare readonly retryable: boolean;

  constructor({ cause, ...facts }: Failure, retryable: boolean) {
    const { stage, code, status, closeCode, received } = facts;
    const detail = status ? `, HTTP ${status}` : closeCode ? `, close code ${closeCode}` : '';
    const after = received ? `, after ${received}` : '';
    super(
      `${code} (stage ${stage}${after}${detail}): see @two-stage-socket/core/errors.md#${code}`,
      {
        cause,
      },
    );
    Object.assign(this, facts, { retryable });
  }
}
