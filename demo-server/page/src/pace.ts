/** How long the page holds up its own credentials, in ms, so that one can watch the stages. */
let delay = 0;

export function setSlowMotion(slow: boolean): void {
  delay = slow ? 1000 : 0;
}

/** Waits for `steps` times the delay, or until the answer is not wanted any more. */
export function pause(signal: AbortSignal, steps: number): Promise<void> | undefined {
  if (!delay) return undefined;
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delay * steps);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
