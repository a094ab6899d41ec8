import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodeJwt, SignJWT } from 'jose';
import { freePort } from '../../../scripts/cluster/redis-process.ts';
import { findDirectus, noDirectus } from '../../../scripts/interop/directus.mjs';
import type { Server, Wrong } from '../contract.ts';
import { directus } from '../recipes/directus.ts';
import { startProgram } from './program.ts';

/** Directus with a SQLite of its own, one user, and a collection `notes`. */
export interface Directus extends Server {
  /** How often a user has logged in. */
  readonly logins: number;
}

interface Tokens {
  access_token: string;
  readonly expires: number;
}

const notes = {
  collection: 'notes',
  schema: {},
  fields: [
    { field: 'id', type: 'integer', schema: { is_primary_key: true, has_auto_increment: true } },
    { field: 'text', type: 'string', schema: {} },
  ],
};

/** @throws {Error} where none is installed, or it does not start */
export async function startDirectus(): Promise<Directus> {
  const found = findDirectus();
  if (!found) throw new Error(noDirectus);
  const { node, cli } = found;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const folder = await mkdtemp(join(tmpdir(), 'two-stage-directus-'));
  const uploads = join(folder, 'uploads');
  await mkdir(uploads);
  const email = 'ada@example.com';
  const password = randomUUID();
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: url,
    SECRET: randomUUID(),
    DB_CLIENT: 'sqlite3',
    DB_FILENAME: join(folder, 'data.db'),
    STORAGE_LOCAL_ROOT: uploads,
    EXTENSIONS_PATH: folder,
    ADMIN_EMAIL: email,
    ADMIN_PASSWORD: password,
    // Soon over, for that is waited for; the server counts in whole seconds.
    ACCESS_TOKEN_TTL: '6s',
    TELEMETRY: 'false',
    WEBSOCKETS_ENABLED: 'true',
    WEBSOCKETS_REST_AUTH_TIMEOUT: '1',
    WEBSOCKETS_HEARTBEAT_PERIOD: '1',
  };
  await promisify(execFile)(node, [cli, 'bootstrap'], { env });
  // Its WebSocket server says that it has started before it listens.
  const program = await startProgram(node, [cli, 'start'], / Server started at http/, env);

  const secret = new TextEncoder().encode(env.SECRET);
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = { 'Content-Type': 'application/json', ...init.headers };
    const response = await fetch(`${url}${path}`, { ...init, headers });
    if (!response.ok) throw response;
    return (await response.json()).data;
  };
  const logIn = (signal: AbortSignal | null = null): Promise<Tokens> =>
    ask('/auth/login', { method: 'POST', body: JSON.stringify({ email, password }), signal });
  const { access_token } = await logIn();
  const headers = { Authorization: `Bearer ${access_token}` };
  await ask('/collections', { method: 'POST', headers, body: JSON.stringify(notes) });
  const { version } = await ask('/server/info', { headers });

  let logins = 0;
  return {
    version,
    get logins() {
      return logins;
    },
    /** Before each a user logs in. */
    get upgrades() {
      return logins;
    },
    options(wrong?: Wrong) {
      let isFirst = true;
      return directus({
        url,
        async getTokens(signal) {
          logins += 1;
          const tokens = await logIn(signal);
          if (wrong === 'bad payload') tokens.access_token = 'not a token';
          if (wrong === 'expired token' && isFirst) {
            const claims = { ...decodeJwt(tokens.access_token), exp: 1 };
            const jwt = new SignJWT(claims).setProtectedHeader({ alg: 'HS256' });
            tokens.access_token = await jwt.sign(secret);
          }
          isFirst = false;
          return tokens;
        },
      });
    },
    kill: () => program.kill(),
    revive: () => program.revive(),
    async stop() {
      await program.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
