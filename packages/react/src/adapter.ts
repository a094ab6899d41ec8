import { type Options, reduceMessages, type State, TwoStageSocket } from '@two-stage-socket/core';
import { useEffect, useInsertionEffect, useRef, useState, useSyncExternalStore } from 'react';

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
 * a second after the last holder has let go. Opens nothing on a server.
 *
 * Given options, the component owns the socket. They may be inline: newer ones are put in place
 * without reconnecting; another `key`, or another static `url`, makes another socket.
 *
 * @param selector What the component looks at: it renders again only when the result, compared by
 * `Object.is`, is another. Default: the whole state.
 * @throws TypeError for options that cannot be used, as the constructor of `TwoStageSocket` does.
 */
export function useTwoStageSocket<Incoming = unknown, Outgoing = unknown, Selected = State>(
  source: TwoStageSocket<Incoming, Outgoing> | SocketOptions<Incoming, Outgoing>,
  selector: (state: State) => Selected = (state) => state as Selected,
): { readonly state: Selected; readonly socket: TwoStageSocket<Incoming, Outgoing> } {
  const socket = useMade(
    // JSON has no functions: all are the same `url` to it.
    'retain' in source ? source : JSON.stringify([source.key, source.url]),
    () => ('retain' in source ? source : new TwoStageSocket(source)),
  );
  useInsertionEffect(() => {
    if (socket !== source) socket.configure(source as Options<Incoming, Outgoing>);
  }, [socket, source]);
  useEffect(() => socket.retain(), [socket]);

  let seen: State | undefined;
  let selected: Selected;
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
  return { state, socket };
}

/**
 * Calls `handler` with every message, each exactly once. Renders nothing, and does not open the socket.
 * A handler that throws hurts nobody else: it is reported as an uncaught error. The handler of the latest
 * render is the one that is called.
 */
export function useMessage<Incoming>(
  socket: TwoStageSocket<Incoming, any>,
  handler: (message: Incoming) => void,
): void {
  const latest = useLatest(handler);
  useEffect(() => socket.on('message', (message) => latest.current(message)), [latest, socket]);
}

/**
 * Folds every message into a value, and renders at most once a frame however many there were. Starts
 * over from `initial` with another socket. Does not open the socket.
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
  return useSyncExternalStore(reduced.subscribe, reduced.getSnapshot, reduced.getSnapshot);
}

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
