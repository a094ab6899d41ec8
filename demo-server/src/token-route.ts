import type { RequestHandler } from 'express';
import { busyFor, comeBackIn } from './come-back.ts';
import { fail, succeed } from './envelope.ts';
import type { Environment } from './environment.ts';
import type { Faults } from './faults.ts';
import type { Limiter, UserLimiter } from './limits.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Settings } from './settings.ts';
import type { MintedToken, TokenStore } from './tokens.ts';
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
export function tokenRoute(options: TokenRouteOptions): RequestHandler {
  const { environment, settings, log, metrics, tokens } = options;
  const { faults, tokenRate, admission, draining } = options;
  return async (request, response) => {
    const { user } = response.locals.identity;
    if (draining()) {
      const wait = comeBackIn(environment, settings.drainTimeout);
      metrics.token('unavailable');
      fail(response, 503, 'The server is stopping', Math.floor(wait));
      return;
    }
    const wait = await tokenRate(user);
    if (wait > 0) {
      metrics.token('limited');
      fail(response, 429, 'Too many tokens', wait);
      return;
    }
    const slot = admission();
    if (slot > 0) {
      metrics.token('deferred');
      fail(response, 503, 'Too many connections at the moment', slot);
      return;
    }
    const switches = faults.of(user);
    const expiresIn = switches.tokenExpiresIn ?? settings.tokenExpiresIn;
    const reusable = switches.tokenReusable ?? settings.tokenReusable;
    let minted: MintedToken;
    try {
      minted = await tokens.mint(user, { expiresIn, reusable });
    } catch (error) {
      log.error({ error }, 'the token store failed at a mint');
      metrics.token('unavailable');
      fail(response, 503, 'Tokens cannot be had at the moment', busyFor(environment));
      return;
    }
    metrics.token('minted');
    const { token, expiresAt } = minted;
    const original = switches.wire === 'original' || request.query.wire === 'original';
    succeed(response, {
      message: 'Token generated successfully',
      data: {
        token,
        expiresIn,
        expiresAt: new Date(expiresAt).toISOString(),
        reusable,
        ...(!original && { protocol: TWO_STAGE }),
      },
    });
  };
}
