import { jwtVerify, SignJWT } from 'jose';
import type { Environment } from './environment.ts';

/** What a verified JWT says. */
export interface Identity {
  /** The subject, `sub`. */
  readonly user: string;
  /** The JWT's own name, `jti`, by which it can be revoked. */
  readonly id: string;
  /** When it expires, in ms since the epoch. */
  readonly expiresAt: number;
}

/** Verifies a JWT; rejects when it is not to be trusted, for whatever reason. */
export type VerifyJwt = (jwt: string) => Promise<Identity>;

/** Issues and verifies the JWTs that users log in with. */
export interface Jwts {
  /** Issues a JWT for `expiresIn` ms, rounded up to the whole seconds that JWTs count in. */
  sign(user: string, expiresIn: number): Promise<string>;
  /** See {@link VerifyJwt}. */
  verify: VerifyJwt;
  /** Refuses a JWT from now on, although its signature is good. */
  revoke(identity: Identity): void;
}

/** Who issues the demo's JWTs, and for whom. Both are verified. */
export const JWT_ISSUER = 'two-stage-socket-demo';
/** See {@link JWT_ISSUER}. */
export const JWT_AUDIENCE = 'two-stage-socket-demo';

const ALGORITHM = 'HS256';

/** JWTs signed with a shared secret. `secret` has 32 bytes or more (RFC 7518, section 3.2). */
export function hs256Jwts(secret: Uint8Array, environment: Environment): Jwts {
  const revoked = new Map<string, number>();

  function dropExpired(): void {
    for (const [id, expiresAt] of revoked) {
      if (expiresAt <= environment.now()) revoked.delete(id);
    }
  }

  return {
    sign(user, expiresIn) {
      const issuedAt = Math.floor(environment.now() / 1000);
      return new SignJWT()
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
        .setSubject(user)
        .setIssuer(JWT_ISSUER)
        .setAudience(JWT_AUDIENCE)
        .setJti(Buffer.from(environment.randomBytes(16)).toString('base64url'))
        .setIssuedAt(issuedAt)
        .setExpirationTime(Math.ceil((environment.now() + expiresIn) / 1000))
        .sign(secret);
    },

    async verify(jwt) {
      const { payload } = await jwtVerify(jwt, secret, {
        // RFC 8725, section 3.1: the verifier names the algorithm, the JWT's header never does.
        algorithms: [ALGORITHM],
        issuer: JWT_ISSUER,
        audience: JWT_AUDIENCE,
        currentDate: new Date(environment.now()),
      });
      const { sub, jti, exp } = payload;
      if (typeof sub !== 'string' || typeof jti !== 'string' || typeof exp !== 'number') {
        throw new Error('The JWT lacks a claim');
      }
      if (revoked.has(jti)) throw new Error('The JWT was revoked');
      return { user: sub, id: jti, expiresAt: exp * 1000 };
    },

    revoke({ id, expiresAt }) {
      dropExpired();
      revoked.set(id, expiresAt);
    },
  };
}
