/** How this process is, and what it depends on. */
export interface Health {
  /** Ready connections. */
  readonly ready: number;
  /** Sockets that have not authenticated yet. */
  readonly unauthenticated: number;
  readonly tokenStore: 'up' | 'down';
  readonly fanOut: 'up' | 'down';
  /** Whether JWTs can be verified: `down` when an identity provider's keys cannot be had. */
  readonly keys: 'up' | 'down';
}

/** Something that the server cannot do without. */
export interface Part {
  /** Rejects when it is down. */
  check(): Promise<void>;
}

/** Asks what the server depends on; never rejects, and never waits longer than each of them does. */
export async function examine(
  { tokens, fanOut, keys }: { readonly tokens: Part; readonly fanOut: Part; readonly keys: Part },
  figures: Pick<Health, 'ready' | 'unauthenticated'>,
): Promise<Health> {
  const [tokenStore, broker, provider] = await Promise.all([
    state(tokens),
    state(fanOut),
    state(keys),
  ]);
  return { ...figures, tokenStore, fanOut: broker, keys: provider };
}

async function state(part: Part): Promise<'up' | 'down'> {
  try {
    await part.check();
    return 'up';
  } catch {
    return 'down';
  }
}
