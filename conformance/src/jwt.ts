import { createHmac, timingSafeEqual } from 'node:crypto';

/** Claims of a JWT. */
export type Claims = Readonly<Record<string, unknown>>;

interface Decoded {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Claims;
  /** Header and claims, as they are signed. */
  readonly input: string;
  readonly signature: Buffer;
}

/** Takes a JWT apart, without verifying it; `undefined` if it is none. */
export function decodeJwt(jwt: string): Decoded | undefined {
  const [header = '', claims = '', signature = '', ...more] = jwt.split('.');
  if (more.length > 0) return undefined;
  try {
    return {
      header: JSON.parse(Buffer.from(header, 'base64url').toString()),
      claims: JSON.parse(Buffer.from(claims, 'base64url').toString()),
      input: `${header}.${claims}`,
      signature: Buffer.from(signature, 'base64url'),
    };
  } catch {
    return undefined;
  }
}

/** ms that a JWT has left by this machine's clock. */
export function lifeOf(jwt: string): number {
  const exp = decodeJwt(jwt)?.claims.exp;
  return typeof exp === 'number' ? exp * 1000 - Date.now() : Number.POSITIVE_INFINITY;
}

const hmac = (hash: string, secret: string, input: string): Buffer =>
  createHmac(hash, secret).update(input).digest();

/** Whether the secret is what signed this JWT with HS256. */
export function isSignedWith(secret: string, jwt: string): boolean {
  const decoded = decodeJwt(jwt);
  if (decoded?.header.alg !== 'HS256') return false;
  const signature = hmac('sha256', secret, decoded.input);
  return (
    signature.length === decoded.signature.length && timingSafeEqual(signature, decoded.signature)
  );
}

/** Signs claims. `none` leaves the signature empty. */
export function signJwt(
  header: Readonly<Record<string, unknown>>,
  claims: Claims,
  secret: string,
  alg: 'HS256' | 'HS384' | 'HS512' | 'none' = 'HS256',
): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ ...header, alg })}.${part(claims)}`;
  if (alg === 'none') return `${input}.`;
  return `${input}.${hmac(`sha${alg.slice(2)}`, secret, input).toString('base64url')}`;
}

/** A way for a JWT to be bad. */
export interface Flaw {
  readonly name: string;
  /** Whether making it takes the server's secret. */
  readonly needsSecret: boolean;
  /** A claim that the server's JWTs need to have, for there to be something to spoil. */
  readonly claim?: string;
  /** A JWT with this flaw and no other, from a good one. */
  spoil(jwt: string, secret: string): string;
}

interface Change {
  readonly claim?: string;
  readonly alg?: 'HS512';
}

const signed = (
  name: string,
  change: (claims: Claims) => Claims,
  { claim, alg }: Change = {},
): Flaw => ({
  name,
  needsSecret: true,
  ...(claim !== undefined && { claim }),
  spoil(jwt, secret) {
    const { header = {}, claims = {} } = decodeJwt(jwt) ?? {};
    return signJwt(header, change(claims), secret, alg);
  },
});

const inSeconds = (offset: number): number => Math.floor(Date.now() / 1000) + offset;

/** An hour: more than any verifier's leeway for clocks. */
const LONG = 3600;

/** A signature that is not the claims'. */
export const tampered: Flaw = {
  name: 'a wrong signature',
  needsSecret: false,
  spoil(jwt) {
    const { input = '', signature = Buffer.alloc(32) } = decodeJwt(jwt) ?? {};
    const wrong = Buffer.from(signature);
    wrong[0] = (wrong[0] ?? 0) ^ 0xff;
    return `${input}.${wrong.toString('base64url')}`;
  },
};

/** An expired JWT. */
export const expired: Flaw = signed('expired', (claims) => ({
  ...claims,
  iat: inSeconds(-2 * LONG),
  exp: inSeconds(-LONG),
}));

/** All ways for a JWT to be bad by itself. */
export const flaws: readonly Flaw[] = [
  tampered,
  {
    name: 'alg none',
    needsSecret: false,
    spoil(jwt) {
      const { header = {}, claims = {} } = decodeJwt(jwt) ?? {};
      return signJwt(header, claims, '', 'none');
    },
  },
  signed('another algorithm', (claims) => claims, { alg: 'HS512' }),
  signed('another issuer', (claims) => ({ ...claims, iss: 'https://issuer.invalid' }), {
    claim: 'iss',
  }),
  signed('another audience', (claims) => ({ ...claims, aud: 'https://audience.invalid' }), {
    claim: 'aud',
  }),
  expired,
  signed('not yet valid', (claims) => ({
    ...claims,
    nbf: inSeconds(LONG),
    exp: inSeconds(2 * LONG),
  })),
];

/**
 * The same JWT with its signature spelled otherwise: the last character of base64url without padding
 * has bits that mean nothing. `undefined` where it has none.
 */
export function respelled(jwt: string): string | undefined {
  const signature = jwt.slice(jwt.lastIndexOf('.') + 1);
  if (signature.length % 4 === 0) return undefined;
  const last = ALPHABET.indexOf(signature.slice(-1));
  return jwt.slice(0, -1) + ALPHABET[last ^ 1];
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The same JWT, with another life, in s from now. */
export function withLife(jwt: string, secret: string, seconds: number): string {
  const { header = {}, claims = {} } = decodeJwt(jwt) ?? {};
  return signJwt(header, { ...claims, exp: inSeconds(seconds) }, secret);
}
