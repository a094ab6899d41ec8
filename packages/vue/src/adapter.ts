import { type Options, reduceMessages, type State, TwoStageSocket } from '@two-stage-socket/core';
import {
  getCurrentInstance,
  getCurrentScope,
  type MaybeRefOrGetter,
  onMounted,
  type ShallowRef,
  shallowReadonly,
  shallowRef,
  toValue,
  watch,
} from 'vue';

/** What a socket is made of, where its component owns it. */
export interface SocketOptions<Incoming = unknown, Outgoing = unknown>
  extends Options<Incoming, Outgoing> {
  /** Another value makes another socket, as another static `url` does: the id of the user, or of the room. */
  readonly key?: string | number | undefined;
}

/** What a server renders, and the first render of a page that takes over from it. */
const idle: State = { status: 'idle' };

/**
 * A socket and what it is doing. The component, or the scope, holds the socket open while it is
 * mounted; a second after the last has let go, the socket closes. Opens nothing on a server.
 *
 * Given options, the component owns the socket. Where they are a ref or a getter, newer ones are put in
 * place without reconnecting; another `key`, or another static `url`, makes another socket.
 *
 * @param selector What the component looks at: it renders again only when the result, compared by
 * `Object.is`, is another. Default: the whole state.
 * @throws TypeError for options that cannot be used, as the constructor of `TwoStageSocket` does.
 */
export function useTwoStageSocket<Incoming = unknown, Outgoing = unknown, Selected = State>(
  source: MaybeRefOrGetter<TwoStageSocket<Incoming, Outgoing> | SocketOptions<Incoming, Outgoing>>,
  selector: (state: State) => Selected = (state) => state as Selected,
): {
  readonly state: Readonly<ShallowRef<Selected>>;
  readonly socket: Readonly<ShallowRef<TwoStageSocket<Incoming, Outgoing>>>;
} {
  const toSocket = createOwner<Incoming, Outgoing>();
  const given = () => {
    const value = toValue(source);
    // A copy reads every member, so that options which are changed in place are noticed too.
    return 'retain' in value ? value : { ...value };
  };
  const socket = shallowRef(toSocket(given()));
  watch(given, (value) => {
    socket.value = toSocket(value);
  });

  const state = shallowRef(selector(idle));
  whileMounted(socket, (socket) => {
    const show = () => {
      state.value = selector(socket.getSnapshot());
    };
    const off = socket.subscribe(show);
    const release = socket.retain();
    show();
    return () => {
      off();
      release();
    };
  });
  return { state: shallowReadonly(state), socket: shallowReadonly(socket) };
}

/**
 * Calls `handler` with every message, each exactly once. Renders nothing, and does not open the socket.
 * A handler that throws hurts nobody else: it is reported as an uncaught error.
 */
export function useMessage<Incoming>(
  socket: MaybeRefOrGetter<TwoStageSocket<Incoming, any>>,
  handler: (message: Incoming) => void,
): void {
  whileMounted(socket, (socket) => socket.on('message', handler));
}

/**
 * Folds every message into a value, and renders at most once a frame however many there were. Starts
 * over from `initial` with another socket. Does not open the socket.
 */
export function useReducedMessages<Incoming, T>(
  socket: MaybeRefOrGetter<TwoStageSocket<Incoming, any>>,
  reducer: (value: T, message: Incoming) => T,
  initial: T,
): Readonly<ShallowRef<T>> {
  const value = shallowRef(initial);
  whileMounted(socket, (socket) => {
    const reduced = reduceMessages(socket, reducer, initial);
    value.value = initial;
    return reduced.subscribe(() => {
      value.value = reduced.getSnapshot();
    });
  });
  return shallowReadonly(value);
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
 * that. From mounting on, so never on a server, until the scope is disposed; outside of components at
 * once, where there is a page.
 */
function whileMounted<T>(source: MaybeRefOrGetter<T>, start: (value: T) => () => void): void {
  // Not always the component's: a store is set up by a component, and outlives it.
  const scope = getCurrentScope();
  const follow = () =>
    watch(
      () => toValue(source),
      (value, _, onCleanup) => onCleanup(start(value)),
      { immediate: true },
    );
  if (getCurrentInstance()) onMounted(() => scope?.run(follow));
  else if (typeof document !== 'undefined') follow();
}
