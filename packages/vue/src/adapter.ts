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
  type Ref,
  shallowRef,
  toRef,
  toValue,
  watch,
  watchPostEffect,
} from 'vue';

/** What the functions below share: a socket, as a ref. */
type SocketRef<Incoming, Outgoing> = Readonly<Ref<TwoStageSocket<Incoming, Outgoing>>>;

/**
 * A socket and what it is doing. The component holds the socket open while it is mounted: it closes
 * a second after the last holder has let go. Opens nothing on a server. Outside of components the
 * scope is the holder.
 *
 * Given options, the component owns the socket. They may be a ref or a getter: newer ones are put
 * in place without reconnecting; another `key`, or another static `url`, makes another socket. What they
 * leave out is at its default, but for `initPayload`, which stays.
 *
 * @throws TypeError for options that cannot be used, as the constructor of `TwoStageSocket` does, and
 * for what is neither a socket nor options.
 */
export function useTwoStageSocket<Incoming = unknown, Outgoing = unknown>(
  source: MaybeRefOrGetter<Source<Incoming, Outgoing>>,
): { readonly state: ComputedRef<State>; readonly socket: SocketRef<Incoming, Outgoing> };
/**
 * The same, for a component that looks at a part of the state.
 *
 * @param selector What the component looks at: it renders again only when the result, compared by
 * `Object.is`, is another; what it throws goes to an error boundary, see `orThrow`. Default: the whole
 * state. TypeScript finds the type of the result where it finds those of the messages too: in a socket, a
 * `schema` or a context.
 */
export function useTwoStageSocket<Incoming, Outgoing, Selected>(
  source: MaybeRefOrGetter<Source<Incoming, Outgoing>>,
  selector: ((state: State) => Selected) | undefined,
): { readonly state: ComputedRef<Selected>; readonly socket: SocketRef<Incoming, Outgoing> };
export function useTwoStageSocket(
  source: MaybeRefOrGetter<Source<any, any>>,
  selector: (state: State) => unknown = (state) => state,
): { readonly state: ComputedRef<unknown>; readonly socket: SocketRef<any, any> } {
  const own = createOwner<any, any>();
  // A computed throws once, and then gives what it had before: somebody else's socket.
  const owned = computed(() => settle(() => own(toValue(source))));
  const socket = toRef(() => unwrap(owned.value));
  // Options that cannot be used are to be heard of at once.
  socket.value;
  const state = useSnapshot<State, TwoStageSocket<any, any>>(socket, idle, ({ retain }) =>
    retain(),
  );
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
  const current = computed(() => toValue(socket));
  assertSocket(current.value);
  return useSnapshot(() => reduceMessages(current.value, reducer, initial), initial);
}

/**
 * A way to share a socket, typed once: a function that provides one, and holds it open, for the components
 * below, and a function that gives the socket there.
 *
 * @param name What devtools and errors call it. Default `Socket`.
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

/** What `source` has to show, and `initial` until mounted; `hold` is done meanwhile. */
function useSnapshot<T, Source extends ReducedMessages<T> = ReducedMessages<T>>(
  source: MaybeRefOrGetter<Source>,
  initial: T,
  hold?: (source: Source) => () => void,
): ComputedRef<T> {
  const snapshot = shallowRef(initial);
  whileMounted(source, (shown) => {
    const show = () => {
      snapshot.value = shown.getSnapshot();
    };
    show();
    const off = shown.subscribe(show);
    const release = hold?.(shown);
    return () => {
      off();
      release?.();
      snapshot.value = initial;
    };
  });
  return computed(() => snapshot.value);
}

/**
 * Runs `start` for what `source` gives once mounted, and again for what replaces it; what `start`
 * returns stops that. Not before mounting: what is shown first must be what a server shows.
 */
function whileMounted<T extends object>(
  source: MaybeRefOrGetter<T>,
  start: (value: T) => () => void,
): void {
  // Outside of components Vue cannot tell that it is on a server.
  if (typeof document === 'undefined') return;
  const mounted = shallowRef<T | (() => never)>();
  // Apart from the effect below, which must not depend on what the functions of the app read. What failed is
  // thrown here, where what was there before has been stopped.
  watch(mounted, (value, _, onCleanup) => onCleanup(start(unwrap(value as T | (() => never)))));
  watchPostEffect(() => {
    mounted.value = settle(() => toValue(source));
  });
}

/** What a getter gives, or what throws what it threw. */
function settle<T extends object>(get: () => T): T | (() => never) {
  try {
    return get();
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function unwrap<T extends object>(settled: T | (() => never)): T {
  return typeof settled === 'function' ? settled() : settled;
}
