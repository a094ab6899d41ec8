import { randomBytes } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Wrong } from '../contract.ts';

/** The JWTs of an app with one user. */
export interface Jwts {
  /** What an app gives as `getJwt`; a bad payload is one that somebody else has signed. */
  sign(wrong?: Wrong): Promise<string>;
  /** Whose it is; nobody's where it is bad. */
  verify(jwt: unknown): Promise<string | undefined>;
}

/** The user that every JWT is of. */
export const user = 'ada';

export function createJwts(): Jwts {
  const own = randomBytes(32);
  const another = randomBytes(32);
  return {
    sign: (wrong) =>
      new SignJWT({ sub: user })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime('1h')
        .sign(wrong === 'bad payload' ? another : own),
    verify: (jwt) =>
      jwtVerify(String(jwt), own).then(
        ({ payload }) => payload.sub,
        () => undefined,
      ),
  };
}
