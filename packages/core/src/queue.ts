import type { Entry } from './codec.ts';
import type { Settings } from './options.ts';
import type { Frame, QueueOptions } from './types.ts';

interface Kept extends Entry {
  readonly size: number;
  readonly at: number;
}

/** Messages that wait for the socket to be ready, oldest first. */
export interface Queue {
  readonly length: number;
  /** Keeps the entry and returns true, unless a limit is reached. */
  push(entry: Entry, limits: QueueOptions): boolean;
  /** Hands entries to `send`, in order, until it takes one no more. */
  flush(send: (entry: Entry) => boolean | undefined): void;
  /** Empties the queue and returns what was in it. */
  clear(): Entry[];
}

/** `onExpired` is told of the entries that waited longer than `maxAge`. */
export function createQueue(settings: Settings, onExpired: (entries: Entry[]) => void): Queue {
  const kept: Kept[] = [];
  let size = 0;
  let maxAge = 0;
  let cancel: (() => void) | undefined;

  const takeUntil = (stays: (entry: Kept) => boolean) => {
    const count = kept.findIndex(stays);
    const taken = kept.splice(0, count < 0 ? kept.length : count);
    for (const entry of taken) size -= entry.size;
    cancel?.();
    const [oldest] = kept;
    cancel =
      oldest && maxAge
        ? settings.environment.after(oldest.at + maxAge - settings.environment.now(), expire)
        : undefined;
    return taken;
  };
  const expire = () => {
    const now = settings.environment.now();
    onExpired(takeUntil((entry) => entry.at + maxAge > now));
  };

  return {
    get length() {
      return kept.length;
    },
    push(entry, limits) {
      const entrySize = frameSize(entry.frame);
      if (kept.length >= limits.maxMessages || size + entrySize > limits.maxBytes) return false;
      maxAge = limits.maxAge;
      kept.push({
        ...entry,
        frame: copy(entry.frame),
        size: entrySize,
        at: settings.environment.now(),
      });
      size += entrySize;
      if (kept.length === 1) takeUntil(() => true);
      return true;
    },
    flush(send) {
      takeUntil((entry) => !send(entry));
    },
    clear: () => takeUntil(() => false),
  };
}

function frameSize(frame: any): number {
  if (typeof frame === 'string') return frame.length * 2;
  return frame.size ?? frame.byteLength;
}

/** Binary is the sender's to write on: an encoder may use one buffer for every message. */
function copy(frame: Frame): Frame {
  if (ArrayBuffer.isView(frame)) {
    return new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength).slice();
  }
  return frame.slice(0);
}
