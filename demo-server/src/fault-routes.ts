import type { RequestHandler } from 'express';
import { CloseCode, retryAfterReason } from './close-codes.ts';
import { fail, succeed } from './envelope.ts';
import type { Environment } from './environment.ts';
import type { FaultSwitches, Faults } from './faults.ts';
import type { Registry } from './registry.ts';
import type { TokenStore } from './tokens.ts';

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
