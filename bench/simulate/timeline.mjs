const none = -1;

/**
 * Which of `count` clients is due next, each due once at most. A bucket for each ms up to `end`, and
 * not a heap: there are a hundred million events.
 */
export function createTimeline(count, end) {
  const first = new Int32Array(end + 1).fill(none);
  const after = new Int32Array(count);
  let now = 0;
  return {
    now: () => now,
    /** In `delay` ms, never earlier; not at all where that is after the end. */
    add(client, delay) {
      const at = Math.ceil(now + delay);
      if (at > end) return;
      after[client] = first[at];
      first[at] = client;
    },
    /** Moves on to who is due; `undefined` once nobody is. */
    next() {
      while (first[now] === none) if (++now > end) return;
      const client = first[now];
      first[now] = after[client];
      return client;
    },
  };
}
