import type { FanOut } from './fan-out.ts';
import type { TokenStore } from './tokens.ts';

/** How this process is, and what it depends on. */
export interface Health {
  /** Ready connections. */
  readonly ready: number;
  /** Sockets that have not authenticated yet. */
  readonly unauthenticated: number;
  readonly tokenStore: 'up' | 'down';
  readonly fanOut: 'up' | 'down';
}

/** Asks what the server depends on; never rejects, and never waits longer than each of them does. */
export async function examine(
  { tokens, fanOut }: { readonly tokens: TokenStore; readonly fanOut: FanOut },
  figures: Pick<Health, 'ready' | 'unauthenticated'>,
): Promise<Health> {
  const state = (part: { check(): Promise<void> }): Promise<'up' | 'down'> =>
    part.check().then(
      () => 'up',
      () => 'down',
    );
  const [tokenStore, fanOutState] = await Promise.all([state(tokens), state(fanOut)]);
  return { ...figures, tokenStore, fanOut: fanOutState };
}
