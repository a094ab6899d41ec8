import { assertSocket } from './adapter.ts';
import { reportUncaught } from './emitter.ts';
import type { TwoStageSocket } from './socket.ts';

/** Messages folded into one value: the seam that the adapters' `useReducedMessages` stands on. */
export interface ReducedMessages<T> {
  /** The value: the same until a message changes it, and between two calls of the listeners. */
  getSnapshot(): T;
  /** Calls `listener` after changes, at most once a frame; returns a function that stops that. */
  subscribe(listener: () => void): () => void;
}

/** How long a hidden page, which draws no frames, or an environment that has none, waits, in ms. */
const frameTime = 100;

/** How long a page that is seen waits for a frame, in ms: one that is busy draws late, and then once. */
const lateFrameTime = 1000;

/**
 * Folds every message into a value, and tells listeners of it at most once a frame, however many
 * messages there were. Goes on, more slowly, where no frame comes: in a hidden tab, on a server.
 * Folds while it has a listener. A reducer that throws loses that message alone, and is reported as an
 * uncaught error.
 * @throws TypeError for what is no socket.
 */
export function reduceMessages<Incoming, T>(
  socket: TwoStageSocket<Incoming, any>,
  reducer: (value: T, message: Incoming) => T,
  initial: T,
): ReducedMessages<T> {
  assertSocket(socket);
  const listeners = new Set<() => void>();
  let folded = initial;
  let shown = initial;
  let cancelFrame: (() => void) | undefined;
  let off: (() => void) | undefined;

  const show = () => {
    cancelFrame?.();
    cancelFrame = undefined;
    if (Object.is(shown, folded)) return;
    shown = folded;
    for (const listener of listeners) {
      try {
        listener();
      } catch (error) {
        reportUncaught(error);
      }
    }
  };
  return {
    getSnapshot: () => shown,
    subscribe(listener) {
      const own = () => listener();
      listeners.add(own);
      off ??= socket.on('message', (message) => {
        folded = reducer(folded, message);
        cancelFrame ??= nextFrame(show);
      });
      return () => {
        listeners.delete(own);
        if (listeners.size) return;
        off?.();
        off = undefined;
        show();
      };
    },
  };
}

/** Whichever comes first: a hidden tab draws no frames, and may be hidden while one is awaited. */
function nextFrame(callback: () => void): () => void {
  const isSeen = globalThis.document?.visibilityState === 'visible';
  const timer = setTimeout(callback, isSeen ? lateFrameTime : frameTime);
  if (typeof requestAnimationFrame !== 'function') return () => clearTimeout(timer);
  const frame = requestAnimationFrame(callback);
  return () => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
  };
}
