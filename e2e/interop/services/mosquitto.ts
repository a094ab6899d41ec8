import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../scripts/cluster/redis-process.ts';
import { findMosquitto, noMosquitto } from '../../../scripts/interop/debian.mjs';
import type { Wrong } from '../contract.ts';
import { mosquitto as recipe } from '../recipes/mosquitto.ts';
import { startProgram } from './program.ts';

/** Where the mosquitto is that tests can have, and what to do about one that is not there. */
export const mosquitto = { path: findMosquitto(), missing: noMosquitto };

export type MosquittoServer = Awaited<ReturnType<typeof startMosquitto>>;

/** A mosquitto with a WebSocket listener, for one user. */
export async function startMosquitto() {
  const { path, missing } = mosquitto;
  if (path === undefined) throw new Error(missing);
  const folder = await mkdtemp(join(tmpdir(), 'two-stage-mosquitto-'));
  const file = join(folder, 'mosquitto.conf');
  const passwords = join(folder, 'passwords');
  const username = 'ada';
  const password = crypto.randomUUID();
  await writeFile(passwords, `${username}:${hash(password)}\n`, { mode: 0o600 });
  const port = await freePort();
  const url = `ws://127.0.0.1:${port}`;
  const config = [
    // Or it becomes one who may not read this folder, where root starts it.
    `user ${userInfo().username}`,
    'allow_anonymous false',
    `password_file ${passwords}`,
    'log_dest stderr',
    // It does not start with WebSockets alone.
    `listener ${await freePort()} 127.0.0.1`,
    `listener ${port} 127.0.0.1`,
    'protocol websockets',
    'socket_domain ipv4',
  ];
  await writeFile(file, config.join('\n'));
  const program = await startProgram(path, ['-c', file], /mosquitto version .* running/);

  return {
    version: program.greeting.replace(/^.*version (\S+).*$/, '$1'),
    url,
    username,
    password,
    /** @param own more fields of CONNECT */
    options: (wrong?: Wrong, own = {}) =>
      recipe({
        url,
        getConnect: () => ({
          clientId: crypto.randomUUID(),
          username,
          password: wrong ? 'not the password' : password,
          ...own,
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

/** As its file of passwords has them. */
function hash(password: string): string {
  const salt = randomBytes(12);
  const iterations = 101;
  const key = pbkdf2Sync(password, salt, iterations, 64, 'sha512');
  return `$7$${iterations}$${salt.toString('base64')}$${key.toString('base64')}`;
}
