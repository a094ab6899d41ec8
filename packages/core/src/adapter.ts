import { TwoStageSocket } from './socket.ts';
import type { Options } from './types.ts';

export { idle } from './client.ts';

/** What a socket is made of, where its component owns it. */
export interface SocketOptions<Incoming = unknown, Outgoing = unknown>
  extends Options<Incoming, Outgoing> {
  /** Another value makes another socket, as another static `url` does: the id of the user, or of the room. */
  readonly key?: string | number | undefined;
}

/** What a component is given: a socket that others hold too, or the options of one of its own. */
export type Source<Incoming = unknown, Outgoing = unknown> =
  | TwoStageSocket<Incoming, Outgoing>
  | SocketOptions<Incoming, Outgoing>;

/** What adapters call. */
const methods = ['configure', 'getSnapshot', 'on', 'retain', 'subscribe'] as const;

/** What options that leave something out give back to its default. A payload is not dropped by mistake. */
const defaults: { readonly [K in Exclude<keyof Options, 'url' | 'initPayload'>]-?: undefined } = {
  getToken: undefined,
  tokenRetry: undefined,
  tokenIn: undefined,
  isReady: undefined,
  isRejected: undefined,
  isChallenge: undefined,
  expiresIn: undefined,
  retry: undefined,
  timeouts: undefined,
  heartbeat: undefined,
  prefetch: undefined,
  queue: undefined,
  codec: undefined,
  schema: undefined,
  protocols: undefined,
  WebSocket: undefined,
  environment: undefined,
};

/** The same for sources that are one socket: the socket itself, or what `key` and a static `url` say. */
export function identify(source: Source<any, any>): unknown {
  // JSON has no functions: all are the same `url` to it.
  return isSocket(source) ? source : JSON.stringify([source.key, source.url]);
}

/**
 * The socket, or one made of the options.
 * @throws TypeError for what is neither, or cannot be used.
 */
export function toSocket<Incoming, Outgoing>(
  source: Source<Incoming, Outgoing>,
): TwoStageSocket<Incoming, Outgoing> {
  return isSocket(source) ? source : new TwoStageSocket(source);
}

/** Puts the newest options in place of all those before; nothing where the socket is its own source. */
export function reconfigure(socket: TwoStageSocket<any, any>, source: Source<any, any>): void {
  if (socket !== source) socket.configure({ ...defaults, ...(source as Options) });
}

/** Gives the socket of the newest source: the same one, with newer options put in place, while `identify` says so. */
export function createOwner<Incoming, Outgoing>(): (
  source: Source<Incoming, Outgoing>,
) => TwoStageSocket<Incoming, Outgoing> {
  let owned: TwoStageSocket<Incoming, Outgoing>;
  let identity: unknown;
  return (source) => {
    const next = identify(source);
    if (next !== identity) owned = toSocket(source);
    else reconfigure(owned, source);
    identity = next;
    return owned;
  };
}

/** @throws TypeError for what is no socket. */
export function assertSocket(socket: TwoStageSocket<any, any>): void {
  if (!isSocket(socket))
    throw new TypeError('TwoStageSocket: expected a socket, not options or what has a `socket`');
}

/** @throws TypeError for what is neither a socket nor options, or a socket without what adapters call. */
function isSocket<Incoming, Outgoing>(
  source: Source<Incoming, Outgoing>,
): source is TwoStageSocket<Incoming, Outgoing> {
  if (Object(source) !== source) {
    // Not what it is: a URL in the place of options may have a secret in it.
    const kind = source === null ? source : typeof source;
    throw new TypeError(`TwoStageSocket: expected a socket or its options, got ${kind}`);
  }
  if (!('retain' in source)) return false;
  for (const name of methods) {
    if (typeof source[name] !== 'function') {
      throw new TypeError(
        `TwoStageSocket: a socket without ${name} is of another version: see npm ls @two-stage-socket/core`,
      );
    }
  }
  return true;
}
