/** The same signal again within this many ms is the same wish: npm passes on what a terminal sent. */
const ECHO = 500;

/**
 * Calls `stop` when the process is asked to end, by SIGINT or SIGTERM, and ends it at once, with 1,
 * when it is asked again: whoever asks twice does not want to wait.
 */
export function onStopSignal(stop: () => void): void {
  let first: { readonly signal: NodeJS.Signals; readonly at: number } | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const at = performance.now();
      if (first === undefined) {
        first = { signal, at };
        stop();
      } else if (first.signal !== signal || at - first.at > ECHO) {
        process.exit(1);
      }
    });
  }
}
