import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser, type KeyPair } from '@nats-io/nkeys';
import { freePort } from '../../../scripts/cluster/redis-process.ts';
import { findNats, noNats } from '../../../scripts/interop/debian.mjs';
import { findGoNats, noGoNats } from '../../../scripts/interop/go.mjs';
import type { Wrong } from '../contract.ts';
import { nats } from '../recipes/nats.ts';
import { startProgram } from './program.ts';

/** The NATS servers that tests can have, and what to do about one that is not there. */
export const servers = {
  debian: { path: findNats(), missing: noNats },
  go: { path: findGoNats(), missing: noGoNats },
};

export type NatsServer = Awaited<ReturnType<typeof startNats>>;

/**
 * A NATS server with a WebSocket listener, for two users: one has a password, one an nkey.
 *
 * @param pingInterval how often it pings, in ms; it ends a connection at the third ping after two that
 *   nobody answered
 */
export async function startNats({ path, missing } = servers.debian, pingInterval = 120_000) {
  if (path === undefined) throw new Error(missing);
  const folder = await mkdtemp(join(tmpdir(), 'two-stage-nats-'));
  const file = join(folder, 'nats.conf');
  const user = 'ada';
  const pass = crypto.randomUUID();
  const nkey = createUser();
  const port = await freePort();
  const url = `ws://127.0.0.1:${port}`;
  const config = `
    listen: "127.0.0.1:${await freePort()}"
    ping_interval: "${pingInterval}ms"
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
    url,
    user,
    pass,
    options: (wrong?: Wrong) =>
      nats({ url, getAuth: () => ({ user, pass: wrong ? 'not the password' : pass }) }),
    /** For the other user, who signs the nonce of each connection. */
    optionsWithNkey: (key: KeyPair = nkey) =>
      nats({
        url,
        getAuth: (nonce = '') => ({
          nkey: nkey.getPublicKey(),
          sig: Buffer.from(key.sign(Buffer.from(nonce))).toString('base64url'),
        }),
      }),
    kill: () => program.kill(),
    revive: () => program.revive(),
    async stop() {
      await program.stop();
      await rm(folder, { recursive: true });
    },
  };
}
