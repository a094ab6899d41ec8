import {
  type ReducedMessages,
  reduceMessages,
  type State,
  type TwoStageSocket,
} from '@two-stage-socket/core';
import { assertSocket, createOwner, idle, type Source } from '@two-stage-socket/core/adapter';
import { onMount } from 'svelte';
import { derived, get, type Readable, readable } from 'svelte/store';
import { createContext } from './context.ts';
import { follow, held } from './follow.ts';

export * from '@two-stage-socket/core';
export type { SocketOptions, Source } from '@two-stage-socket/core/adapter';

/** A value, or a store of it: what may be another later is given as a store. */
export type MaybeStore<T> = T | Readable<T>;

/** The state of a socket as a store, and the socket. */
export interface SocketStore<Incoming = unknown, Outgoing = unknown> extends Readable<State> {
  readonly socket: TwoStageSocket<Incoming, Outgoing>;
  /** The socket as a store, for what has to follow when it is another. */
  readonly sockets: Readable<TwoStageSocket<Incoming, Outgoing>>;
}

/**
 * A socket and what it is doing, for Svelte 4. Whoever looks at its state, as `$chat`, holds the socket
 * open: it closes a second after the last holder has let go. Opens nothing on a server.
 *
 * Given options, the component owns the socket. They may be a store: newer ones are put in place
 * without reconnecting; another `key`, or another static `url`, makes another socket. What they
 * leave out is at its default, but for `initPayload`, which stays.
 *
 * @throws TypeError for options that cannot be used, as the constructor of `TwoStageSocket` does, and
 * for what is neither a socket nor options.
 */
export function twoStageSocket<Incoming = unknown, Outgoing = unknown>(
  source: MaybeStore<Source<Incoming, Outgoing>>,
): SocketStore<Incoming, Outgoing> {
  const own = createOwner<Incoming, Outgoing>();
  // Asked once where it cannot be another: what the app says to `configure` stays.
  const sockets = isStore(source) ? derived(source, own) : readable(own(source));
  const { subscribe } = toReadable(sockets, idle, held);
  return {
    subscribe,
    sockets,
    get socket() {
      return get(sockets);
    },
  };
}

/**
 * Calls `handler` with every message, each exactly once. Renders nothing, and does not open the socket.
 * A handler that throws hurts nobody else: it is reported as an uncaught error. To be called while a
 * component initialises.
 * @throws TypeError for what is no socket.
 */
export function useMessage<Incoming>(
  socket: MaybeStore<TwoStageSocket<Incoming, any>>,
  handler: (message: Incoming) => void,
): void {
  const sockets = toStore(socket);
  assertSocket(get(sockets));
  onMount(() => follow(sockets, (socket) => socket.on('message', handler)));
}

/**
 * Folds every message into a value, and renders at most once a frame however many there were. Starts
 * over from `initial` with another socket. Does not open the socket. Folds while somebody looks, and goes
 * on from there when somebody looks again.
 * @throws TypeError for what is no socket.
 */
export function reducedMessages<Incoming, T>(
  socket: MaybeStore<TwoStageSocket<Incoming, any>>,
  reducer: (value: T, message: Incoming) => T,
  initial: T,
): Readable<T> {
  const sockets = toStore(socket);
  assertSocket(get(sockets));
  return toReadable(sockets, initial, (socket) => reduceMessages(socket, reducer, initial));
}

/**
 * A way to share a socket, typed once: a function that provides one, and holds it open, for the components
 * below, and a function that gives what is there.
 *
 * @param name What errors call it. Default `Socket`.
 */
export function createSocketContext<Incoming = unknown, Outgoing = unknown>(
  name = 'Socket',
): readonly [
  provideSocket: (
    source: MaybeStore<Source<Incoming, Outgoing>>,
  ) => SocketStore<Incoming, Outgoing>,
  useSocket: () => SocketStore<Incoming, Outgoing>,
] {
  return createContext(name, twoStageSocket<Incoming, Outgoing>);
}

/** What `open` makes of the socket, as a store; made anew with another socket. A server shows `initial`. */
function toReadable<Socket, T>(
  sockets: Readable<Socket>,
  initial: T,
  open: (socket: Socket) => ReducedMessages<T>,
): Readable<T> {
  let socket: Socket | undefined;
  let opened: ReducedMessages<T>;
  return readable(initial, (set) => {
    // A server reads a store by subscribing to it.
    if (typeof document === 'undefined') return;
    return follow(sockets, (next) => {
      if (next !== socket) opened = open(next);
      socket = next;
      const { getSnapshot, subscribe } = opened;
      const off = subscribe(() => set(getSnapshot()));
      set(getSnapshot());
      return off;
    });
  });
}

function toStore<T extends object>(source: MaybeStore<T>): Readable<T> {
  return isStore(source) ? source : readable(source);
}

/** A socket can be subscribed to as well. */
function isStore<T extends object>(source: MaybeStore<T>): source is Readable<T> {
  return Object(source) === source && 'subscribe' in source && !('retain' in source);
}
