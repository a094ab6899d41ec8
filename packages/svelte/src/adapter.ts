import {
  type ReducedMessages,
  reduceMessages,
  type State,
  type TwoStageSocket,
} from '@two-stage-socket/core';
import { assertSocket, createOwner, type Source } from '@two-stage-socket/core/adapter';
import { onMount } from 'svelte';
import { createSubscriber } from 'svelte/reactivity';
import { toStore } from 'svelte/store';
import { createContext } from './context.ts';
import { follow, held } from './follow.ts';

/** A value, or a function that gives it: what depends on a rune is given as a function. */
export type MaybeGetter<T> = T | (() => T);

/** A value to be read as `$name`, or as `name.current`. */
export interface Reactive<T> {
  /** Calls `run` with the value, now and after each change; returns a function that stops that. */
  readonly subscribe: (run: (value: T) => void) => () => void;
  readonly current: T;
}

/** The state of a socket, and the socket. */
export interface SocketStore<Incoming = unknown, Outgoing = unknown> extends Reactive<State> {
  readonly socket: TwoStageSocket<Incoming, Outgoing>;
}

/**
 * A socket and what it is doing. Whoever looks at its state, as `$chat` or `chat.current`, holds
 * the socket open: it closes a second after the last holder has let go. Opens nothing on a server.
 *
 * Given options, the component owns the socket. They may be a function: newer ones are put in place
 * without reconnecting; another `key`, or another static `url`, makes another socket. What they
 * leave out is at its default, but for `initPayload`, which stays.
 *
 * @throws TypeError for options that cannot be used, as the constructor of `TwoStageSocket` does, and
 * for what is neither a socket nor options.
 */
export function twoStageSocket<Incoming = unknown, Outgoing = unknown>(
  source: MaybeGetter<Source<Incoming, Outgoing>>,
): SocketStore<Incoming, Outgoing> {
  const own = createOwner<Incoming, Outgoing>();
  // Asked once where it cannot be another: what the app says to `configure` stays.
  const socket = typeof source !== 'function' && own(source);
  const getSocket = () => socket || own(toValue(source));
  const state = toReadable(getSocket, held);
  return {
    subscribe: state.subscribe,
    get current() {
      return state.current;
    },
    get socket() {
      return getSocket();
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
  socket: MaybeGetter<TwoStageSocket<Incoming, any>>,
  handler: (message: Incoming) => void,
): void {
  assertSocket(toValue(socket));
  onMount(() =>
    follow(
      toStore(() => toValue(socket)),
      (socket) => socket.on('message', handler),
    ),
  );
}

/**
 * Folds every message into a value, and renders at most once a frame however many there were. Starts
 * over from `initial` with another socket. Does not open the socket. Folds while somebody looks, and goes
 * on from there when somebody looks again.
 * @throws TypeError for what is no socket.
 */
export function reducedMessages<Incoming, T>(
  socket: MaybeGetter<TwoStageSocket<Incoming, any>>,
  reducer: (value: T, message: Incoming) => T,
  initial: T,
): Reactive<T> {
  assertSocket(toValue(socket));
  return toReadable(
    () => toValue(socket),
    (socket) => reduceMessages(socket, reducer, initial),
  );
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
    source: MaybeGetter<Source<Incoming, Outgoing>>,
  ) => SocketStore<Incoming, Outgoing>,
  useSocket: () => SocketStore<Incoming, Outgoing>,
] {
  return createContext(name, twoStageSocket<Incoming, Outgoing>);
}

/** What `open` makes of the socket, as a store and for runes; made anew with another socket. */
function toReadable<Socket, T>(
  getSocket: () => Socket,
  open: (socket: Socket) => ReducedMessages<T>,
): Reactive<T> {
  let socket: Socket | undefined;
  let opened: ReducedMessages<T>;
  let track: () => void;
  const get = () => {
    const next = getSocket();
    if (next !== socket) {
      opened = open(next);
      track = createSubscriber(opened.subscribe);
    }
    socket = next;
    track();
    return opened.getSnapshot();
  };
  return {
    subscribe: toStore(get).subscribe,
    get current() {
      return get();
    },
  };
}

function toValue<T>(source: MaybeGetter<T>): T {
  return typeof source === 'function' ? (source as () => T)() : source;
}
