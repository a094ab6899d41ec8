import { randomUUID } from 'node:crypto';
import { decodeJwt, signJwt } from '../jwt.ts';
import type { Break } from './breaks.ts';

/** What a good JWT says. */
export interface Identity {
  readonly user: string;
  /** In ms since the epoch. */
  readonly expiresAt: number;
}

/** Issues and verifies the breakable server's JWTs. */
export interface Authority {
  issue(user: string): string;
  /** `undefined` for a JWT that is not to be trusted. */
  verify(jwt: string): Identity | undefined;
  revoke(jwt: string): void;
}

const NAME = 'breakable';

/** An authority that does not look at what is broken. JWTs live `life` ms. */
export function createAuthority(
  is: (name: Break) => boolean,
  secret: string,
  life: number,
): Authority {
  const revoked = new Set<unknown>();

  function isSigned(jwt: string, alg: unknown): boolean {
    if (is('ignores the signature') && alg === 'HS256') return true;
    const isAccepted =
      alg === 'HS256' ||
      (alg === 'HS512' && is('lets the JWT choose the algorithm')) ||
      (alg === 'none' && is('accepts alg none'));
    const { header, claims } = decodeJwt(jwt) ?? {};
    if (!isAccepted || header === undefined || claims === undefined) return false;
    const again = signJwt(header, claims, secret, alg as 'HS256');
    // A signature is bytes: there is more than one way to spell them.
    const signature = decodeJwt(again)?.signature;
    return signature !== undefined && decodeJwt(jwt)?.signature.equals(signature) === true;
  }

  return {
    issue(user) {
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: NAME, aud: NAME, sub: user, jti: randomUUID(), iat: now };
      return signJwt({ typ: 'JWT' }, { ...claims, exp: now + life / 1000 }, secret);
    },
    verify(jwt) {
      const { header, claims } = decodeJwt(jwt) ?? {};
      if (header === undefined || claims === undefined) return undefined;
      const { iss, aud, sub, jti, exp, nbf } = claims;
      const now = Date.now() / 1000;
      const isGood =
        isSigned(jwt, header.alg) &&
        (iss === NAME || is('ignores the issuer')) &&
        (aud === NAME || is('ignores the audience')) &&
        ((typeof exp === 'number' && exp > now) || is('ignores expiry')) &&
        (typeof nbf !== 'number' || nbf <= now || is('ignores not-before')) &&
        !revoked.has(is('knows a JWT by its text') ? jwt : jti);
      return isGood ? { user: String(sub), expiresAt: Number(exp) * 1000 } : undefined;
    },
    revoke(jwt) {
      if (is('accepts a JWT after its logout')) return;
      revoked.add(is('knows a JWT by its text') ? jwt : decodeJwt(jwt)?.claims.jti);
    },
  };
}
