import { onTestFinished } from 'vitest';
import type { Server } from '../contract.ts';
import type { Host } from '../services/host.ts';

/** A fake as the contract wants a server. */
export interface FakeServer<F extends Host> extends Server {
  readonly fake: F;
}

/** @param version what was read, and when */
export function serverOf<F extends Host>(
  fake: F,
  version: string,
  options: Server['options'],
): FakeServer<F> {
  return {
    fake,
    version,
    get upgrades() {
      return fake.upgrades;
    },
    options,
    kill: fake.kill,
    revive: fake.revive,
    stop: fake.kill,
  };
}

/** A server of the test's own, which is stopped when that has finished. */
export async function own<S extends Server>(starting: Promise<S>): Promise<S> {
  const server = await starting;
  onTestFinished(() => server.stop());
  return server;
}
