import { busyFor, comeBackIn } from './come-back.ts';
import { type Failure, failure, retryAfterSeconds, type Success } from './envelope.ts';
import { type Environment, systemEnvironment } from './environment.ts';
import { type Limiter, type UserLimiter, userRateLimiter } from './limits.ts';
import { type Log, silentLog } from './log.ts';
import { type Metrics, noMetrics } from './metrics.ts';
import type { MintedToken, TokenPolicy, TokenStore } from './tokens.ts';
import { TWO_STAGE, type Wire } from './wire.ts';

/** An HTTP answer of the API, for whatever framework is to send it. */
export interface HttpAnswer {
  readonly status: 200 | 429 | 503;
  readonly headers: Readonly<Record<string, string>>;
  /** To be sent as JSON. */
  readonly body: Success | Failure;
}

/** What the token stage is made of. Durations are in ms. */
export interface TokenAnswerOptions {
  readonly tokens: TokenStore;
  /** For how long a token is valid. Default 15 minutes. */
  readonly expiresIn?: number;
  /** Whether a token admits more than one upgrade in that time. Default false. */
  readonly reusable?: boolean;
  /** ms until a user may have another token. Default: 120 a minute and user, in this process. */
  readonly tokenRate?: UserLimiter;
  /** ms until the caller's slot, as of `createAdmission`. Default: everybody comes at once. */
  readonly admission?: Limiter;
  /** Whether the server is stopping. Default: never. */
  readonly draining?: () => boolean;
  /** Over how long callers are told to come back while it stops. Default 10 s. */
  readonly drainTimeout?: number;
  /** Clocks and randomness. Default: the real ones. */
  readonly environment?: Environment;
  /** Default: silence. */
  readonly log?: Log;
  /** Default: nothing is counted. */
  readonly metrics?: Metrics;
}

/** What one token may have of its own. */
export interface TokenChange extends Partial<TokenPolicy> {
  /** `original` leaves `protocol` out, so that clients speak that wire. Default `two-stage.v1`. */
  readonly wire?: Wire['name'];
}

/**
 * Mints a token and says so as PROTOCOL.md sections 3.2 and 3.3 want it: 200, 429 or 503, with the
 * headers and the envelope. Rejects only if `tokenRate` does.
 *
 * @param user who the caller's JWT says it is: the same user that `verify` answers for that JWT in
 * the init stage
 */
export type TokenAnswer = (user: string, change?: TokenChange) => Promise<HttpAnswer>;

const EXPIRES_IN = 900_000;
const TOKENS_PER_MINUTE = 120;
const DRAIN_TIMEOUT = 10_000;

/**
 * The token stage, for a route that only users who are logged in get to: send what it answers.
 *
 * ```ts
 * const answer = createTokenAnswer({ tokens });
 * app.post('/token/ws', requireJwt, async (request, response) => {
 *   const { status, headers, body } = await answer(request.user);
 *   response.status(status).set(headers).json(body);
 * });
 * ```
 */
export function createTokenAnswer(options: TokenAnswerOptions): TokenAnswer {
  const {
    tokens,
    expiresIn: usualExpiresIn = EXPIRES_IN,
    reusable: usuallyReusable = false,
    tokenRate = userRateLimiter(TOKENS_PER_MINUTE),
    admission = () => 0,
    draining = () => false,
    drainTimeout = DRAIN_TIMEOUT,
    environment = systemEnvironment,
    log = silentLog,
    metrics = noMetrics,
  } = options;

  return async (user, change = {}) => {
    const { expiresIn = usualExpiresIn, reusable = usuallyReusable, wire = TWO_STAGE } = change;
    if (draining()) {
      metrics.token('unavailable');
      return refuse(
        503,
        'The server is stopping',
        Math.floor(comeBackIn(environment, drainTimeout)),
      );
    }
    const wait = await tokenRate(user);
    if (wait > 0) {
      metrics.token('limited');
      return refuse(429, 'Too many tokens', wait);
    }
    const slot = admission();
    if (slot > 0) {
      metrics.token('deferred');
      return refuse(503, 'Too many connections at the moment', slot);
    }
    let minted: MintedToken;
    try {
      minted = await tokens.mint(user, { expiresIn, reusable });
    } catch (error) {
      log.error({ error }, 'the token store failed at a mint');
      metrics.token('unavailable');
      return refuse(503, 'Tokens cannot be had at the moment', busyFor(environment));
    }
    metrics.token('minted');
    return {
      status: 200,
      headers: HEADERS,
      body: {
        status: 1,
        message: 'Token generated successfully',
        data: {
          token: minted.token,
          expiresIn,
          expiresAt: new Date(minted.expiresAt).toISOString(),
          reusable,
          ...(wire === TWO_STAGE && { protocol: TWO_STAGE }),
        },
      },
    };
  };
}

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Type': 'application/json; charset=utf-8',
} as const;

function refuse(status: 429 | 503, message: string, retryAfter: number): HttpAnswer {
  return {
    status,
    headers: { ...HEADERS, 'Retry-After': retryAfterSeconds(retryAfter) },
    body: failure(message, retryAfter),
  };
}
