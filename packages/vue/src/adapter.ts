import { type Options, reduceMessages, type State, TwoStageSocket } from '@two-stage-socket/core';
import {
  type ComputedRef,
  computed,
  type MaybeRefOrGetter,
  type ShallowRef,
  shallowReadonly,
  shallowRef,
  toValue,
  watchPostEffect,
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
  readonly socket: ComputedRef<TwoStageSocket<Incoming, Outgoing>>;
} {
  const toSocket = createOwner<Incoming, Outgoing>();
  const socket = computed(() => toSocket(toValue(source)));
  const state = shallowRef(selector(idle));
  whileMounted(() => {
    const { getSnapshot, retain, subscribe } = socket.value;
    const show = () => {
      state.value = selector(getSnapshot());
    };
    const off = subscribe(show);
    const release = retain();
    show();
    return () => {
      off();
      release();
    };
  });
  return { state: shallowReadonly(state), socket };
}

/**
 * Calls `handler` with every message, each exactly once. Renders nothing, and does not open the socket.
 * A handler that throws hurts nobody else: it is reported as an uncaught error.
 */
export function useMessage<Incoming>(
  socket: MaybeRefOrGetter<TwoStageSocket<Incoming, any>>,
  handler: (message: Incoming) => void,
): void {
  whileMounted(() => toValue(socket).on('message', handler));
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
  whileMounted(() => {
    const reduced = reduceMessages(toValue(socket), reducer, initial);
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
    const { key, url } = given;
    const before = identity;
    // A function never makes another socket: inline ones are new at every change.
    identity = JSON.stringify([key, typeof url === 'function' || url]);
    if (owned && before === identity) owned.configure(given);
    else owned = new TwoStageSocket(given);
    return owned;
  };
}

/**
 * Runs `start` once mounted, and again for another socket; what `start` returns stops that. Not before
 * mounting: what is shown first must be what a server shows, and a server starts nothing.
 */
function whileMounted(start: () => () => void): void {
  // Outside of components Vue cannot tell that it is on a server.
  if (typeof document === 'undefined') return;
  watchPostEffect((onCleanup) => onCleanup(start()));
}
