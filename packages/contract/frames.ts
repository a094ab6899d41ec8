/** Waits for frames: what was to be rendered has been rendered by then. */
export async function frames(count: number): Promise<void> {
  for (let frame = 0; frame < count; frame++) await new Promise(requestAnimationFrame);
}

/** Waits, frame by frame, until `condition` holds, and says what was last so when it never does. */
export async function until(condition: () => boolean, describe?: () => unknown): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadline) {
      throw new Error(`Never came true: ${condition}; at last it was ${describe?.()}`);
    }
    await frames(1);
  }
}
