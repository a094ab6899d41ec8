import type { RequestHandler } from 'express';
import type { Environment } from './environment.ts';
import type { Faults } from './faults.ts';
import type { Limiter, UserLimiter } from './limits.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Settings } from './settings.ts';
import { createTokenAnswer } from './token-answer.ts';
import type { TokenStore } from './tokens.ts';
import { TWO_STAGE } from './wire.ts';

/** What the token route is made of. */
export interface TokenRouteOptions {
  readonly environment: Environment;
  readonly settings: Settings;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tokens: TokenStore;
  /** What changes a token's policy, for a user, until it is switched back. */
  readonly faults: Faults;
  /** ms until a user may have another token. */
  readonly tokenRate: UserLimiter;
  /** ms until the caller's slot. */
  readonly admission: Limiter;
  /** Whether the server is stopping. */
  readonly draining: () => boolean;
}

/** The token stage: mints a token for who is logged in. Behind `bearer`, which says who that is. */
export function tokenRoute({ settings, faults, ...options }: TokenRouteOptions): RequestHandler {
  const answer = createTokenAnswer({ ...options, drainTimeout: settings.drainTimeout });
  return async (request, response) => {
    const { user } = response.locals.identity;
    const switches = faults.of(user);
    const original = switches.wire === 'original' || request.query.wire === 'original';
    const { status, headers, body } = await answer(user, {
      expiresIn: switches.tokenExpiresIn ?? settings.tokenExpiresIn,
      reusable: switches.tokenReusable ?? settings.tokenReusable,
      wire: original ? 'original' : TWO_STAGE,
    });
    response.status(status).set(headers).json(body);
  };
}
