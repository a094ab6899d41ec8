import { type Options, reduceMessages, type State, TwoStageSocket } from '@two-stage-socket/core';
import { onMount, untrack } from 'svelte';
import { createSubscriber } from 'svelte/reactivity';
import { toStore } from 'svelte/store';

/** What a socket is made of, where `twoStageSocket` makes it. */
export interface SocketOptions<Incoming = unknown, Outgoing = unknown>
  extends Options<Incoming, Outgoing> {
  /** Another value makes another socket, as another static `url` does: the id of the user, or of the room. */
  readonly key?: string | number | undefined;
}

/** A value, or a function that gives it: what depends on a rune is given as a function. */
export type MaybeGetter<T> = T | (() => T);

/** A value to be read as `$name`, or as `name.current`. */
export interface Readable<T> {
  /** Calls `run` with the value, now and after each change; returns a function that stops that. */
  readonly subscribe: (run: (value: T) => void) => () => void;
  readonly current: T;
}

/**
 * A socket and what it is doing. Whoever looks at its state, as `$chat` or `chat.current`, holds the
 * socket open; a second after the last has let go, the socket closes. Opens nothing on a server.
 *
 * Given options, the socket is made here. Where they are a function, newer ones are put in place without
 * reconnecting; another `key`, or another static `url`, makes another socket.
 *
 * @throws TypeError for options that cannot be used, as the constructor of `TwoStageSocket` does.
 */
export function twoStageSocket<Incoming = unknown, Outgoing = unknown>(
  source: MaybeGetter<TwoStageSocket<Incoming, Outgoing> | SocketOptions<Incoming, Outgoing>>,
): Readable<State> & { readonly socket: TwoStageSocket<Incoming, Outgoing> } {
  const toSocket = createOwner<Incoming, Outgoing>();
  let socket = toSocket(toValue(source));
  const trackSocket = createSubscriber((update) =>
    follow(source, (given) => {
      const before = socket;
      socket = toSocket(given);
      if (socket !== before) update();
    }),
  );
  const getSocket = () => {
    trackSocket();
    return socket;
  };
  const state = toReadable(
    () => socket.getSnapshot(),
    (update) =>
      follow(getSocket, (socket) => {
        const off = socket.subscribe(update);
        const release = socket.retain();
        update();
        return () => {
          off();
          release();
        };
      }),
  );
  return Object.defineProperty(state, 'socket', { get: getSocket }) as any;
}

/**
 * Calls `handler` with every message, each exactly once. Renders nothing, and does not open the socket.
 * A handler that throws hurts nobody else: it is reported as an uncaught error. To be called while a
 * component initialises.
 */
export function useMessage<Incoming>(
  socket: MaybeGetter<TwoStageSocket<Incoming, any>>,
  handler: (message: Incoming) => void,
): void {
  onMount(() => follow(socket, (socket) => socket.on('message', handler)));
}

/**
 * Folds every message into a value, and renders at most once a frame however many there were. Starts
 * over from `initial` with another socket. Does not open the socket. Folds while somebody looks.
 */
export function reducedMessages<Incoming, T>(
  socket: MaybeGetter<TwoStageSocket<Incoming, any>>,
  reducer: (value: T, message: Incoming) => T,
  initial: T,
): Readable<T> {
  let from = toValue(socket);
  let reduced = reduceMessages(from, reducer, initial);
  return toReadable(
    () => reduced.getSnapshot(),
    (update) =>
      follow(socket, (socket) => {
        if (socket !== from) reduced = reduceMessages(socket, reducer, initial);
        from = socket;
        update();
        return reduced.subscribe(update);
      }),
  );
}

/** Gives the socket for what is given: the same one, with the newest options, while these mean the same. */
function createOwner<Incoming, Outgoing>() {
  let owned: TwoStageSocket<Incoming, Outgoing> | undefined;
  let identity: string | undefined;
  return (
    given: TwoStageSocket<Incoming, Outgoing> | SocketOptions<Incoming, Outgoing>,
  ): TwoStageSocket<Incoming, Outgoing> => {
    if ('retain' in given) return given;
    const next = identify(given);
    if (owned && next === identity) owned.configure(given);
    else owned = new TwoStageSocket(given);
    identity = next;
    return owned;
  };
}

/** What makes options another socket. A function never does: inline ones are new at every change. */
function identify({ key, url }: SocketOptions<any, any>): string {
  return JSON.stringify([key, typeof url === 'function' ? null : url]);
}

/**
 * Runs `start` for what `source` gives, and again for each that replaces it; what `start` returns stops
 * that. Returns a function that stops it all.
 */
function follow<T>(source: MaybeGetter<T>, start: (value: T) => (() => void) | undefined): () => void {
  let stop: (() => void) | undefined;
  const off = toStore(() => toValue(source)).subscribe((value) => {
    stop?.();
    stop = untrack(() => start(value));
  });
  return () => {
    off();
    stop?.();
  };
}

function toReadable<T>(get: () => T, listen: (update: () => void) => () => void): Readable<T> {
  const track = createSubscriber(listen);
  return {
    subscribe(run) {
      let shown = get();
      run(shown);
      // Stores are subscribed to on a server too.
      if (typeof document === 'undefined') return () => {};
      return listen(() => {
        const before = shown;
        shown = get();
        if (shown !== before) run(shown);
      });
    },
    get current() {
      track();
      return get();
    },
  };
}

function toValue<T>(source: MaybeGetter<T>): T {
  return typeof source === 'function' ? (source as () => T)() : source;
}
