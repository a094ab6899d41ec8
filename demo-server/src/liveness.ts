import { type Cancel, type Environment, every } from './environment.ts';
import type { Registry } from './registry.ts';

/**
 * Notices half-open connections: pings every `interval` ms and ends what has not answered by the
 * next. WebSocket pings (RFC 6455, section 5.5.2) are answered by every client by itself, pages
 * included, so no client needs code for it. An interval of 0 pings nobody.
 */
export function watchLiveness(
  registry: Registry,
  environment: Environment,
  interval: number,
): Cancel {
  return every(environment, interval, () => {
    for (const connection of registry) connection.probe();
  });
}
