import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { freePort } from '../../../scripts/cluster/redis-process.ts';
import { findNats, noNats } from '../../../scripts/interop/debian.mjs';
import { findGoNats, noGoNats } from '../../../scripts/interop/go.mjs';
import { startProgram } from './program.ts';

/** The NATS servers that tests can have, and what to do about one that is not there. */
export const servers = {
  debian: { path: findNats(), missing: noNats },
  go: { path: findGoNats(), missing: noGoNats },
};

export type NatsServer = Awaited<ReturnType<typeof startNats>>;

/** A NATS server with a WebSocket listener, for two users: one has a password, one an nkey. */
export async function startNats({ path, missing } = servers.debian) {
  if (path === undefined) throw new Error(missing);
  const folder = await mkdtemp(join(tmpdir(), 'two-stage-nats-'));
  const file = join(folder, 'nats.conf');
  const user = 'ada';
  const pass = crypto.randomUUID();
  const nkey = createUser();
  const port = await freePort();
  const config = `
    listen: "127.0.0.1:${await freePort()}"
    ping_interval: "1s"
    websocket { listen: "127.0.0.1:${port}", no_tls: true }
    authorization {
      timeout: 2
      users: [
        { user: ${user}, password: "${pass}" }
        { nkey: ${nkey.getPublicKey()} }
      ]
    }`;
  await writeFile(file, config);
  const program = await startProgram(path, ['-c', file], /Server is ready/);
  const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout;

  return {
    version: version.replace(/^.*v/s, '').trim(),
    url: `ws://127.0.0.1:${port}`,
    user,
    pass,
    /** Signs with the key of the other user. */
    nkey,
    kill: () => program.kill(),
    revive: () => program.revive(),
    async stop() {
      await program.stop();
      await rm(folder, { recursive: true });
    },
  };
}
