import type { RequestHandler } from 'express';
import { CloseCode, retryAfterReason } from './close-codes.ts';
import type { Connection } from './connection.ts';
import { fail, succeed } from './envelope.ts';
import type { Environment } from './environment.ts';
import type { Identity, VerifyJwt } from './jwt.ts';
import type { Registry } from './registry.ts';
import type { TokenStore } from './tokens.ts';

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

/** `verify` with the `init` fault of the connection's user before it. */
export function faultyVerify(faults: Faults, connection: Connection, verify: VerifyJwt): VerifyJwt {
  return async (jwt): Promise<Identity> => {
    const { init } = faults.of(connection.user);
    if (init === 'hang') return new Promise(() => {});
    if (init === 'drop') connection.terminate('fault');
    if (init !== 'ok') throw new Error('Refused by a fault switch');
    return verify(jwt);
  };
}

/** The `tokenRoute` fault, behind the bearer middleware, which says whose request it is. */
export function faultyTokenRoute(faults: Faults): RequestHandler {
  return (request, response, next) => {
    const { tokenRoute, retryAfter } = faults.of(response.locals.identity.user);
    if (tokenRoute === 'ok') next();
    else if (tokenRoute === 'down') request.socket.destroy();
    else if (tokenRoute === '401') fail(response, 401, 'Unauthorized');
    else if (tokenRoute === '503') fail(response, 503, 'Service unavailable', retryAfter);
  };
}

/** What the fault routes act upon. */
export interface FaultRouteOptions {
  readonly faults: Faults;
  readonly environment: Environment;
  readonly registry: Registry;
  readonly tokens: TokenStore;
}

/** How long `go-away` leaves its clients before it closes, in ms. */
const GO_AWAY_DEADLINE = 5000;

/** `GET /faults`: the switches as they stand, of the user in the query or of everybody. */
export function showFaults(faults: Faults): RequestHandler {
  return (request, response) => {
    const { user } = request.query;
    succeed(response, { data: faults.of(typeof user === 'string' ? user : undefined) });
  };
}

/** `POST /faults`: sets switches, then acts. */
export function changeFaults(options: FaultRouteOptions): RequestHandler {
  const { faults, environment, registry, tokens } = options;

  function act(order: Order): void | Promise<void> {
    const { action, user } = order;
    switch (action) {
      case 'reset':
        return faults.reset(user);
      case 'expire-tokens':
      case 'spend-tokens':
        // Deliberately the same: a client cannot tell the two apart.
        return tokens.revoke(user);
      case 'kill-connections':
        for (const connection of registry.of(user)) connection.terminate('fault');
        return;
      case 'close':
        for (const connection of registry.of(user)) connection.end(order.code, order.reason);
        return;
      case 'go-away': {
        const { retryAfter } = faults.of(user);
        for (const connection of registry.of(user)) {
          connection.goAway({ retryAfter, deadline: GO_AWAY_DEADLINE });
          connection.onEnd(
            environment.after(GO_AWAY_DEADLINE, () =>
              connection.end(CloseCode.restart, retryAfterReason(retryAfter)),
            ),
          );
        }
      }
    }
  }

  return async (request, response) => {
    const order = readOrder(request.body);
    if (typeof order === 'string') {
      fail(response, 400, order);
      return;
    }
    faults.set(order.user, order.switches);
    await act(order);
    succeed(response, { data: faults.of(order.user) });
  };
}

const actions = [
  'reset',
  'expire-tokens',
  'spend-tokens',
  'kill-connections',
  'close',
  'go-away',
] as const;

interface Order {
  readonly user: string | undefined;
  readonly switches: Partial<FaultSwitches>;
  readonly action: (typeof actions)[number] | undefined;
  readonly code: number;
  readonly reason: string;
}

const isOneOf =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);
const isDelay = (value: unknown): boolean =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
const isLifetime = (value: unknown): boolean => value === null || (isDelay(value) && value !== 0);

const members: Readonly<Record<string, (value: unknown) => boolean>> = {
  tokenRoute: isOneOf('ok', 'down', 'hang', '401', '503'),
  upgrade: isOneOf('ok', 'refuse', 'hang'),
  init: isOneOf('ok', 'reject', 'drop', 'hang'),
  wire: isOneOf('two-stage.v1', 'original'),
  tokenExpiresIn: isLifetime,
  tokenReusable: isOneOf(true, false, null),
  jwtExpiresIn: isLifetime,
  retryAfter: isDelay,
  action: isOneOf(...actions),
  user: (value) => typeof value === 'string',
  code: isCloseCode,
  reason: (value) => typeof value === 'string' && Buffer.byteLength(value) <= 123,
};

/** Codes an endpoint may send (RFC 6455, section 7.4): not those that only report. */
function isCloseCode(value: unknown): boolean {
  if (typeof value !== 'number' || !Number.isInteger(value)) return false;
  if (value >= 3000 && value <= 4999) return true;
  return value >= 1000 && value <= 1014 && ![1004, 1005, 1006].includes(value);
}

/** The order in a request's body, or what is wrong with it. */
function readOrder(body: unknown): Order | string {
  if (typeof body !== 'object' || body === null) return 'Expected a JSON object';
  for (const [name, value] of Object.entries(body)) {
    const isGood = Object.hasOwn(members, name) ? members[name] : undefined;
    if (isGood === undefined) return `There is no fault switch "${name}"`;
    if (!isGood(value)) return `"${name}" cannot be ${JSON.stringify(value)}`;
  }
  const { user, action, code = 1000, reason = '', ...switches } = body as Partial<Order>;
  return { user, action, code, reason, switches: switches as Partial<FaultSwitches> };
}
