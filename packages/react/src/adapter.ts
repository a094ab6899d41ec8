import { reduceMessages, type State, type TwoStageSocket } from '@two-stage-socket/core';
import {
  assertSocket,
  identify,
  idle,
  reconfigure,
  type Source,
  toSocket,
} from '@two-stage-socket/core/adapter';
import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useDebugValue,
  useEffect,
  useInsertionEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';

/**
 * A socket and what it is doing. The component holds the socket open while it is mounted: it closes
 * a second after the last holder has let go. Opens nothing on a server.
 *
 * Given options, the component owns the socket. They may be inline: newer ones are put in place
 * without reconnecting; another `key`, or another static `url`, makes another socket. What they
 * leave out is at its default, but for `initPayload`, which stays.
 *
 * @throws TypeError for options that cannot be used, as the constructor of `TwoStageSocket` does, and
 * for what is neither a socket nor options.
 */
export function useTwoStageSocket<Incoming = unknown, Outgoing = unknown>(
  source: Source<Incoming, Outgoing>,
): { readonly state: State; readonly socket: TwoStageSocket<Incoming, Outgoing> };
/**
 * The same, for a component that looks at a part of the state.
 *
 * @param selector What the component looks at: it renders again only when the result, compared by
 * `Object.is`, is another; what it throws goes to an error boundary, see `orThrow`. Default: the whole
 * state. TypeScript finds the type of the result where it finds those of the messages too: in a socket, a
 * `schema` or a context.
 */
export function useTwoStageSocket<Incoming, Outgoing, Selected>(
  source: Source<Incoming, Outgoing>,
  selector: ((state: State) => Selected) | undefined,
): { readonly state: Selected; readonly socket: TwoStageSocket<Incoming, Outgoing> };
export function useTwoStageSocket(
  source: Source<any, any>,
  selector: (state: State) => unknown = (state) => state,
): { readonly state: unknown; readonly socket: TwoStageSocket<any, any> } {
  const socket = useMade(identify(source), () => toSocket(source));
  useInsertionEffect(() => reconfigure(socket, source), [socket, source]);
  useCommitEffect(() => socket.retain(), [socket]);

  let seen: State | undefined;
  let selected: unknown;
  const select = (state: State) => {
    if (state !== seen) selected = selector(state);
    seen = state;
    return selected;
  };
  const state = useSyncExternalStore(
    socket.subscribe,
    () => select(socket.getSnapshot()),
    () => select(idle),
  );
  useDebugValue(state);
  return { state, socket };
}

/**
 * Calls `handler` with every message, each exactly once. Renders nothing, and does not open the socket.
 * A handler that throws hurts nobody else: it is reported as an uncaught error. The handler of the latest
 * render is the one that is called.
 * @throws TypeError for what is no socket.
 */
export function useMessage<Incoming>(
  socket: TwoStageSocket<Incoming, any>,
  handler: (message: Incoming) => void,
): void {
  assertSocket(socket);
  const latest = useLatest(handler);
  useCommitEffect(
    () => socket.on('message', (message) => latest.current(message)),
    [latest, socket],
  );
}

/**
 * Folds every message into a value, and renders at most once a frame however many there were. Starts
 * over from `initial` with another socket. Does not open the socket.
 * @throws TypeError for what is no socket.
 */
export function useReducedMessages<Incoming, T>(
  socket: TwoStageSocket<Incoming, any>,
  reducer: (value: T, message: Incoming) => T,
  initial: T,
): T {
  const latest = useLatest(reducer);
  const reduced = useMade(socket, () =>
    reduceMessages(
      socket,
      (value: T, message: Incoming) => latest.current(value, message),
      initial,
    ),
  );
  // React subscribes to a store later, and messages may come before.
  useCommitEffect(() => reduced.subscribe(lookAtNothing), [reduced]);
  return useSyncExternalStore(reduced.subscribe, reduced.getSnapshot, reduced.getSnapshot);
}

/**
 * A way to share a socket, typed once: a provider, which holds the socket open for what is below it and
 * renders for none of its states, and a hook that gives the socket there.
 *
 * @param name What devtools and errors call it. Default `Socket`.
 */
export function createSocketContext<Incoming = unknown, Outgoing = unknown>(
  name = 'Socket',
): readonly [
  Provider: (props: {
    readonly source: Source<Incoming, Outgoing>;
    readonly children?: ReactNode;
  }) => ReactElement,
  useSocket: () => TwoStageSocket<Incoming, Outgoing>,
] {
  const Context = createContext<TwoStageSocket<Incoming, Outgoing> | undefined>(undefined);
  Context.displayName = name;
  // biome-ignore lint/correctness/noComponentHookFactories: called once, outside of components
  const Provider = ({
    source,
    children,
  }: {
    source: Source<Incoming, Outgoing>;
    children?: ReactNode;
  }) =>
    createElement(
      Context.Provider,
      { value: useTwoStageSocket(source, lookAtNothing).socket },
      children,
    );
  Provider.displayName = `${name}Provider`;
  // biome-ignore lint/correctness/noComponentHookFactories: called once, outside of components
  const useSocket = () => {
    const socket = useContext(Context);
    if (!socket) throw new Error(`TwoStageSocket: no component above provides ${name}`);
    return socket;
  };
  return [Provider, useSocket];
}

function lookAtNothing(): void {}

/** With the commit, so that no message comes between; a server commits nothing, and React 18 complains of it there. */
const useCommitEffect = typeof window === 'undefined' ? useEffect : useLayoutEffect;

/** Made once for each `key`. State rather than a memo, which Fast Refresh throws away. */
function useMade<T>(key: unknown, make: () => T): T {
  const create = () => ({ key, current: make() });
  let [made, setMade] = useState(create);
  if (made.key !== key) {
    made = create();
    setMade(made);
  }
  return made.current;
}

/** The latest of what is new at every render, from the commit on: no event sees an older one. */
function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value);
  useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}
