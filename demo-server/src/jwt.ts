import { createHash } from 'node:crypto';
import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
  SignJWT,
} from 'jose';
import type { Environment } from './environment.ts';

/** What a verified JWT says. */
export interface Identity {
  /** The subject, `sub`: the same name that tokens are minted for. */
  readonly user: string;
  /**
   * The JWT's own name, by which it can be revoked: `jti`, or its SHA-256 if it has none. Nothing
   * else looks at it.
   */
  readonly id: string;
  /** When it expires, in ms since the epoch: `exp` counts in seconds. */
  readonly expiresAt: number;
}

/**
 * Verifies a JWT: its signature, by an algorithm that is named here and not by the JWT, its issuer,
 * audience, expiry and "not before" (PROTOCOL.md section 5.3). That it is the user's whose token
 * admitted the socket is checked by the caller.
 *
 * Rejects with {@link Forbidden} when its user may not come in: 403 or 4403, and clients stop. With
 * {@link Unverifiable} when there is no telling at the moment, because keys or a database cannot be
 * reached: 503 or 1013, and clients come back. With anything else when it is not to be trusted, for
 * whatever reason: 401 or 4401, and clients need another JWT.
 *
 * ```ts
 * const verify: VerifyJwt = async (jwt) => {
 *   const requiredClaims = ['sub', 'jti', 'exp'];
 *   const rules = { issuer, audience, algorithms: ['RS256'], requiredClaims };
 *   const { sub, jti, exp } = (await jwtVerify<Claims>(jwt, key, rules)).payload;
 *   return { user: sub, id: jti, expiresAt: exp * 1000 };
 * };
 * ```
 */
export type VerifyJwt = (jwt: string) => Promise<Identity>;

/** A good JWT of somebody who may not come in. */
export class Forbidden extends Error {
  override name = 'Forbidden';
}

/** Nobody can say whether a JWT is good: its keys, or the list of revoked ones, cannot be had. */
export class Unverifiable extends Error {
  override name = 'Unverifiable';
}

/** Issues and verifies the JWTs that users log in with. */
export interface Jwts {
  /** Issues a JWT for `expiresIn` ms, rounded up to the whole seconds that JWTs count in. */
  sign(user: string, expiresIn: number): Promise<string>;
  /** See {@link VerifyJwt}. */
  verify: VerifyJwt;
}

/** Who issues the demo's JWTs, and for whom. Both are verified. */
export const JWT_ISSUER = 'two-stage-socket-demo';
/** See {@link JWT_ISSUER}. */
export const JWT_AUDIENCE = 'two-stage-socket-demo';

const ALGORITHM = 'HS256';

/** JWTs signed with a shared secret. `secret` has 32 bytes or more (RFC 7518, section 3.2). */
export function hs256Jwts(secret: Uint8Array, environment: Environment): Jwts {
  // Once: jose would import the bytes again for each JWT, which takes as long as verifying it.
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const key = crypto.subtle.importKey('raw', new Uint8Array(secret), hmac, false, [
    'sign',
    'verify',
  ]);
  return {
    async sign(user, expiresIn) {
      const issuedAt = Math.floor(environment.now() / 1000);
      return new SignJWT()
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
        .setSubject(user)
        .setIssuer(JWT_ISSUER)
        .setAudience(JWT_AUDIENCE)
        .setJti(Buffer.from(environment.randomBytes(16)).toString('base64url'))
        .setIssuedAt(issuedAt)
        .setExpirationTime(Math.ceil((environment.now() + expiresIn) / 1000))
        .sign(await key);
    },
    verify: verifier(() => key, environment, {
      issuer: JWT_ISSUER,
      audience: JWT_AUDIENCE,
      algorithms: [ALGORITHM],
    }),
  };
}

/** Whose JWTs are good, and where the keys are. */
export interface JwksOptions {
  /** Where the issuer publishes its keys (RFC 7517). */
  readonly url: URL;
  /** The `iss` that JWTs must have. */
  readonly issuer: string;
  /** The `aud` that they must have. */
  readonly audience: string;
  /** Asymmetric algorithms, like `RS256`: a public key must never pass for an HMAC secret. */
  readonly algorithms: readonly string[];
  /** Default: the real one. */
  readonly fetch?: FetchImplementation;
}

/** How long keys may take to come, in ms. */
const JWKS_TIMEOUT = 5000;
/** How long keys are asked for again at most once in, in ms: unknown key names must not hammer. */
const JWKS_COOLDOWN = 30_000;
/** How old keys may become, in ms: that long a key that was withdrawn goes on being good. */
const JWKS_MAX_AGE = 600_000;

/** What verifies JWTs, and can say whether it is able to at the moment. */
export interface Verifier {
  /** See {@link VerifyJwt}. */
  readonly verify: VerifyJwt;
  /** Rejects while there are no keys to verify by, and none can be had. */
  check(): Promise<void>;
}

/**
 * Verifies JWTs of an identity provider by its published keys. A key it does not know makes it
 * look again, so that the provider can rotate them.
 */
export function jwksVerifier(options: JwksOptions, environment: Environment): Verifier {
  const { url, issuer, audience, algorithms, fetch } = options;
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: JWKS_TIMEOUT,
    cooldownDuration: JWKS_COOLDOWN,
    cacheMaxAge: JWKS_MAX_AGE,
    ...(fetch && { [customFetch]: fetch }),
  });
  return {
    verify: verifier(keys, environment, { issuer, audience, algorithms: [...algorithms] }),
    async check() {
      if (!keys.fresh) await keys.reload();
    },
  };
}

type Rules = Required<Pick<JWTVerifyOptions, 'issuer' | 'audience' | 'algorithms'>>;

function verifier(
  key: JWTVerifyGetKey,
  environment: Environment,
  // RFC 8725, section 3.1: the verifier names the algorithm, the JWT's header never does.
  rules: Rules,
): VerifyJwt {
  async function claims(jwt: string): Promise<JWTPayload> {
    try {
      const currentDate = new Date(environment.now());
      return await verifyByAny(jwt, key, { ...rules, currentDate });
    } catch (error) {
      throw isFlaw(error) ? error : new Unverifiable('The keys cannot be had', { cause: error });
    }
  }

  return async (jwt) => {
    const { sub, jti, exp } = await claims(jwt);
    if (typeof sub !== 'string' || sub === '' || typeof exp !== 'number') {
      throw new Error('The JWT lacks a claim');
    }
    // Not every provider names its JWTs.
    const id = typeof jti === 'string' ? jti : digest(jwt);
    return { user: sub, id, expiresAt: exp * 1000 };
  };
}

/** As `jwtVerify`; where a JWT does not name its key, and several would do, by each of them. */
async function verifyByAny(
  jwt: string,
  key: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(jwt, key, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const candidate of error) {
      try {
        return (await jwtVerify(jwt, candidate, options)).payload;
      } catch (refusal) {
        if (!(refusal instanceof errors.JWSSignatureVerificationFailed)) throw refusal;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** The hash of what is signed. A signature itself can be spelled in several ways. */
function digest(jwt: string): string {
  const signed = jwt.slice(0, jwt.lastIndexOf('.'));
  return createHash('sha256').update(signed).digest('base64url');
}

/** Whether an error of jose is about the JWT; the others are about getting the keys. */
function isFlaw(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return false;
  return !['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID'].includes(error.code);
}
