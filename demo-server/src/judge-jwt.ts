import { CloseCode, retryAfterReason } from './close-codes.ts';
import { busyFor } from './come-back.ts';
import type { Connection } from './connection.ts';
import type { Environment } from './environment.ts';
import { Forbidden, type Identity, Unverifiable } from './jwt.ts';
import { kindOf } from './store-unavailable.ts';

/** A `VerifyJwt` that may look at the connection as well. */
export type VerifyForConnection = (jwt: string, connection: Connection) => Promise<Identity>;

/** How a connection ends whose JWT is not accepted. */
export interface Rejection {
  readonly code: number;
  readonly reason: string;
}

/**
 * Judges a JWT that came over a connection, as init payload or as renewal: whose it is, or how the
 * connection ends. Never rejects.
 */
export async function judgeJwt(
  jwt: string,
  connection: Connection,
  verify: VerifyForConnection,
  environment: Environment,
): Promise<Identity | Rejection> {
  let identity: Identity;
  try {
    identity = await verify(jwt, connection);
  } catch (error) {
    if (error instanceof Forbidden) return FORBIDDEN;
    if (error instanceof Unverifiable) {
      const reason = kindOf(error.cause);
      connection.log.error(
        { connection: connection.id, error, reason },
        'a JWT could not be verified',
      );
      return { code: CloseCode.busy, reason: retryAfterReason(busyFor(environment)) };
    }
    return UNAUTHORIZED;
  }
  return identity.user === connection.user ? identity : FORBIDDEN;
}

/** How a connection ends whose JWT has a flaw: which one it was is nobody's business. */
export const UNAUTHORIZED: Rejection = { code: CloseCode.unauthorized, reason: 'unauthorized' };

/** How a connection ends whose user may not come in, or is another's. */
export const FORBIDDEN: Rejection = { code: CloseCode.forbidden, reason: 'forbidden' };
