import {
  type Options,
  type ReducedMessages,
  reduceMessages,
  type State,
  TwoStageSocket,
} from '@two-stage-socket/core';
import {
  type ComputedRef,
  computed,
  type MaybeRefOrGetter,
  shallowRef,
  toValue,
  watch,
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
 * A socket and what it is doing. The component holds the socket open while it is mounted: it closes
 * a second after the last holder has let go. Opens nothing on a server. Outside of components the
 * scope is the holder.
 *
 * Given options, the component owns the socket. They may be a ref or a getter: newer ones are put
 * in place without reconnecting; another `key`, or another static `url`, makes another socket.
 *
 * @param selector What the component looks at: it renders again only when the result, compared by
 * `Object.is`, is another. Default: the whole state.
 * @throws TypeError for options that cannot be used, as the constructor of `TwoStageSocket` does.
 */
export function useTwoStageSocket<Incoming = unknown, Outgoing = unknown, Selected = State>(
  source: MaybeRefOrGetter<TwoStageSocket<Incoming, Outgoing> | SocketOptions<Incoming, Outgoing>>,
  selector: (state: State) => Selected = (state) => state as Selected,
): {
  readonly state: ComputedRef<Selected>;
  readonly socket: ComputedRef<TwoStageSocket<Incoming, Outgoing>>;
} {
  let owned: TwoStageSocket<Incoming, Outgoing>;
  let identity: string | undefined;
  const socket = computed(() => {
    const given = toValue(source);
    if ('retain' in given) return given;
    // JSON has no functions: all are the same `url` to it.
    const next = JSON.stringify([given.key, given.url]);
    if (next !== identity) owned = new TwoStageSocket(given);
    else owned.configure(given);
    identity = next;
    return owned;
  });
  const state = useSnapshot<State>(socket, idle);
  whileMounted(socket, ({ retain }) => retain());
  return { state: computed(() => selector(state.value)), socket };
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
): ComputedRef<T> {
  return useSnapshot(() => reduceMessages(toValue(socket), reducer, initial), initial);
}

/** What `source` has to show, and `initial` until mounted. */
function useSnapshot<T>(source: MaybeRefOrGetter<ReducedMessages<T>>, initial: T): ComputedRef<T> {
  const snapshot = shallowRef(initial);
  whileMounted(source, ({ getSnapshot, subscribe }) => {
    const show = () => {
      snapshot.value = getSnapshot();
    };
    show();
    return subscribe(show);
  });
  return computed(() => snapshot.value);
}

/**
 * Runs `start` for what `source` gives once mounted, and again for what replaces it; what `start`
 * returns stops that. Not before mounting: what is shown first must be what a server shows.
 */
function whileMounted<T>(source: MaybeRefOrGetter<T>, start: (value: T) => () => void): void {
  // Outside of components Vue cannot tell that it is on a server.
  if (typeof document === 'undefined') return;
  const mounted = shallowRef<T>();
  // Apart from the effect below, which must not depend on what the functions of the app read.
  watch(mounted, (value, _, onCleanup) => onCleanup(start(value as T)));
  watchPostEffect(() => {
    mounted.value = toValue(source);
  });
}
