import type { Environment } from './environment.ts';
import { Forbidden, type Identity, Unverifiable, type VerifyJwt } from './jwt.ts';

/**
 * Which JWTs were revoked by a logout, and which users may not come in, for all processes of the
 * server. Asynchronous, for databases; one that is down rejects.
 */
export interface Revocations {
  /** Refuses a JWT until it expires by itself. */
  revoke(identity: Identity): Promise<void>;
  /** Keeps a user out, whatever JWT they have, until `readmit`. */
  forbid(user: string): Promise<void>;
  /** Lets a user in again. */
  readmit(user: string): Promise<void>;
  /** What is known of a JWT. */
  check(identity: Identity): Promise<Standing>;
}

/** How a JWT stands: `revoked` by a logout, or its user `forbidden`. */
export type Standing = 'good' | 'revoked' | 'forbidden';

/** What this process has heard of, at once. */
export interface LocalRevocations extends Revocations {
  /** As `check`, without waiting. */
  standing(identity: Identity): Standing;
  /**
   * Forgets who is forbidden, for when a readmission may have been missed. Nothing takes a logout
   * back, and the list of all processes may have been lost with the broker: those are remembered.
   */
  forget(): void;
}

/** Keeps revocations in this process: gone with a restart, as its random JWT secret is. */
export function memoryRevocations(environment: Environment): LocalRevocations {
  const revoked = new Map<string, number>();
  const forbidden = new Set<string>();

  let lookedAt = 0;

  function dropExpired(): void {
    // All are looked at, so not at each of many logouts.
    if (environment.elapsed() - lookedAt < 1000) return;
    lookedAt = environment.elapsed();
    for (const [id, expiresAt] of revoked) {
      if (expiresAt <= environment.now()) revoked.delete(id);
    }
  }

  function standing({ user, id }: Identity): Standing {
    if (forbidden.has(user)) return 'forbidden';
    return revoked.has(id) ? 'revoked' : 'good';
  }

  return {
    async revoke({ id, expiresAt }) {
      dropExpired();
      revoked.set(id, expiresAt);
    },
    async forbid(user) {
      forbidden.add(user);
    },
    async readmit(user) {
      forbidden.delete(user);
    },
    check: async (identity) => standing(identity),
    standing,
    forget: () => forbidden.clear(),
  };
}

/**
 * `verify`, and then whether the JWT was revoked since: by the list that all processes share, and
 * by what this one has heard meanwhile, as a notice may overtake the list's answer.
 */
export function unlessRevoked(
  verify: VerifyJwt,
  shared: Revocations,
  heard: LocalRevocations,
): VerifyJwt {
  return async (jwt) => {
    const identity = await verify(jwt);
    let standing: Standing;
    try {
      standing = await shared.check(identity);
    } catch (error) {
      throw new Unverifiable('The revocations cannot be had', { cause: error });
    }
    for (const found of [standing, heard.standing(identity)]) {
      if (found === 'forbidden') throw new Forbidden('The user may not come in');
      if (found === 'revoked') throw new Error('The JWT was revoked');
    }
    return identity;
  };
}
