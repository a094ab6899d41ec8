import {
  type ReducedMessages,
  reduceMessages,
  type State,
  type TwoStageSocket,
} from '@two-stage-socket/core';
import { assertSocket, createOwner, idle, type Source } from '@two-stage-socket/core/adapter';
import {
  type ComputedRef,
  computed,
  type InjectionKey,
  inject,
  type MaybeRefOrGetter,
  provide,
  shallowRef,
  toValue,
  watch,
  watchPostEffect,
} from 'vue';

/** What the functions below share: a socket, as a ref. */
type SocketRef<Incoming, Outgoing> = ComputedRef<TwoStageSocket<Incoming, Outgoing>>;

/**
 * A socket and what it is doing. The component holds the socket open while it is mounted: it closes
 * a second after the last holder has let go. Opens nothing on a server. Outside of components the
 * scope is the holder.
 *
 * Given options, the component owns the socket. They may be a ref or a getter: newer ones are put
 * in place without reconnecting; another `key`, or another static `url`, makes another socket.
 *
 * @param selector What the component looks at: it renders again only when the result, compared by
 * `Object.is`, is another; what it throws goes to an error boundary, see `orThrow`. Default: the whole
 * state.
 * @throws TypeError for options that cannot be used, as the constructor of `TwoStageSocket` does, and
 * for what is neither a socket nor options.
 */
export function useTwoStageSocket<Incoming = unknown, Outgoing = unknown, Selected = State>(
  source: MaybeRefOrGetter<Source<Incoming, Outgoing>>,
  selector: (state: State) => Selected = (state) => state as Selected,
): { readonly state: ComputedRef<Selected>; readonly socket: SocketRef<Incoming, Outgoing> } {
  const own = createOwner<Incoming, Outgoing>();
  const socket = computed(() => own(toValue(source)));
  const state = useSnapshot<State>(socket, idle);
  whileMounted(socket, ({ retain }) => retain());
  return { state: computed(() => selector(state.value)), socket };
}

/**
 * Calls `handler` with every message, each exactly once. Renders nothing, and does not open the socket.
 * A handler that throws hurts nobody else: it is reported as an uncaught error.
 * @throws TypeError for what is no socket.
 */
export function useMessage<Incoming>(
  socket: MaybeRefOrGetter<TwoStageSocket<Incoming, any>>,
  handler: (message: Incoming) => void,
): void {
  assertSocket(toValue(socket));
  whileMounted(socket, (socket) => socket.on('message', handler));
}

/**
 * Folds every message into a value, and renders at most once a frame however many there were. Starts
 * over from `initial` with another socket. Does not open the socket.
 * @throws TypeError for what is no socket.
 */
export function useReducedMessages<Incoming, T>(
  socket: MaybeRefOrGetter<TwoStageSocket<Incoming, any>>,
  reducer: (value: T, message: Incoming) => T,
  initial: T,
): ComputedRef<T> {
  return useSnapshot(() => reduceMessages(toValue(socket), reducer, initial), initial);
}

/**
 * A way to share a socket, typed once: a function that provides one, and holds it open, for the components
 * below, and a function that gives the socket there.
 *
 * @param name What devtools, and the error for a missing provider, call it. Default `Socket`.
 */
export function createSocketContext<Incoming = unknown, Outgoing = unknown>(
  name = 'Socket',
): readonly [
  provideSocket: (source: MaybeRefOrGetter<Source<Incoming, Outgoing>>) => {
    readonly state: ComputedRef<State>;
    readonly socket: SocketRef<Incoming, Outgoing>;
  },
  useSocket: () => SocketRef<Incoming, Outgoing>,
] {
  const key: InjectionKey<SocketRef<Incoming, Outgoing>> = Symbol(name);
  const provideSocket = (source: MaybeRefOrGetter<Source<Incoming, Outgoing>>) => {
    const provided = useTwoStageSocket(source);
    provide(key, provided.socket);
    return provided;
  };
  const useSocket = () => {
    const socket = inject(key, undefined);
    if (!socket) throw new Error(`TwoStageSocket: no component above provides ${name}`);
    return socket;
  };
  return [provideSocket, useSocket];
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
