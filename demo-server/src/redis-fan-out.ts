import type { FanOut, Notice } from './fan-out.ts';
import type { Log } from './log.ts';
import type { Redis } from './redis.ts';

/** What may be chosen about a fan-out over Redis. */
export interface RedisFanOutOptions {
  /** What its channel and keys begin with. Default `two-stage:`. */
  readonly prefix?: string;
}

/**
 * The fan-out of several processes, over the publish and subscribe of Redis. The connection stays
 * the caller's to close.
 */
export function redisFanOut(
  redis: Redis,
  log: Log,
  { prefix = 'two-stage:' }: RedisFanOutOptions = {},
): FanOut {
  const channel = `${prefix}notices`;
  const turnKey = `${prefix}turn`;
  const countKey = `${prefix}turns`;
  return {
    async publish(notice) {
      await redis.run((client) => client.publish(channel, JSON.stringify(notice)));
    },
    subscribe: (listener) =>
      redis.subscribe(channel, (text) => {
        const notice = readNotice(text);
        if (notice === undefined) log.warn({}, 'a notice that came over Redis is none');
        else listener(notice);
      }),
    onRecovery: (listener) => redis.onUp(listener),
    turn: (interval) =>
      redis.run(async (client) => {
        // Shorter than the interval, so that whoever took the last turn does not miss the next.
        const expiration = { type: 'PX', value: Math.max(1, Math.floor(interval * 0.9)) } as const;
        const taken = await client.set(turnKey, '1', { condition: 'NX', expiration });
        return taken === null ? undefined : client.incr(countKey);
      }),
    check: () => redis.check(),
  };
}

/** The notice in a text, or `undefined`: whatever else may publish there ends no process. */
function readNotice(text: string): Notice | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, user, identity, message } = value as Record<string, unknown>;
  switch (kind) {
    case 'broadcast':
      // JSON leaves out what is undefined, and nobody can be sent that.
      return message === undefined ? undefined : (value as Notice);
    case 'message':
      return typeof user === 'string' && message !== undefined ? (value as Notice) : undefined;
    case 'forbid':
    case 'readmit':
      return typeof user === 'string' ? (value as Notice) : undefined;
    case 'logout':
      return isIdentity(identity) ? (value as Notice) : undefined;
    default:
      return undefined;
  }
}

function isIdentity(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { user, id, expiresAt } = value as Record<string, unknown>;
  return typeof user === 'string' && typeof id === 'string' && typeof expiresAt === 'number';
}
