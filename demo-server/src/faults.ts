import type { VerifyForConnection } from './judge-jwt.ts';
import type { VerifyJwt } from './jwt.ts';

/** What goes wrong, on purpose, until it is switched back. README.md describes each. */
export interface FaultSwitches {
  tokenRoute: 'ok' | 'down' | 'hang' | '401' | '503';
  upgrade: 'ok' | 'refuse' | 'hang';
  init: 'ok' | 'reject' | 'drop' | 'hang';
  /** The wire that the token route names and the upgrade selects. */
  wire: 'two-stage.v1' | 'original';
  /** ms a token is valid, instead of the setting. */
  tokenExpiresIn: number | null;
  /** Whether tokens are reusable, instead of the setting. */
  tokenReusable: boolean | null;
  /** ms a JWT from `POST /login` is valid, instead of the setting. */
  jwtExpiresIn: number | null;
  /** ms said by a 503 of the token route and by `go-away`. */
  retryAfter: number;
}

/** Nothing goes wrong. */
export const noFaults: Readonly<FaultSwitches> = Object.freeze({
  tokenRoute: 'ok',
  upgrade: 'ok',
  init: 'ok',
  wire: 'two-stage.v1',
  tokenExpiresIn: null,
  tokenReusable: null,
  jwtExpiresIn: null,
  retryAfter: 2000,
});

/** The switches as they stand, for everybody and for single users. */
export interface Faults {
  /** What holds for a user: their own switches over everybody's over `noFaults`. */
  of(user: string | undefined): Readonly<FaultSwitches>;
  /** Sets some switches for a user, or for everybody. */
  set(user: string | undefined, switches: Partial<FaultSwitches>): void;
  /** Sets all of them back. For everybody, it forgets the users' own as well. */
  reset(user: string | undefined): void;
}

export function createFaults(): Faults {
  let everybody: Partial<FaultSwitches> = {};
  const own = new Map<string, Partial<FaultSwitches>>();
  return {
    of: (user) => ({ ...noFaults, ...everybody, ...(user !== undefined && own.get(user)) }),
    set(user, switches) {
      if (user === undefined) everybody = { ...everybody, ...switches };
      else own.set(user, { ...own.get(user), ...switches });
    },
    reset(user) {
      if (user !== undefined) {
        own.delete(user);
        return;
      }
      everybody = {};
      own.clear();
    },
  };
}

/** `verify` with the `init` fault of the connection's user before it, unless it has authenticated. */
export function faultyVerify(faults: Faults, verify: VerifyJwt): VerifyForConnection {
  return async (jwt, connection) => {
    const { init } = faults.of(connection.user);
    if (init === 'ok' || connection.identity !== undefined) return verify(jwt);
    if (init === 'hang') return new Promise(() => {});
    if (init === 'drop') connection.terminate('fault');
    throw new Error('Refused by a fault switch');
  };
}
