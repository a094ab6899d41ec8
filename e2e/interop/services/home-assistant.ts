import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../scripts/cluster/redis-process.ts';
import { findHomeAssistant, noHomeAssistant } from '../../../scripts/interop/python.mjs';
import type { Server, Wrong } from '../contract.ts';
import { homeAssistant } from '../recipes/home-assistant.ts';
import { startProgram } from './program.ts';

const boot = fileURLToPath(new URL('home-assistant/boot.py', import.meta.url));

/** Home Assistant, with one user. */
export interface HomeAssistant extends Server {
  /** For a command of any of its clients. */
  nextId(): number;
  /** Logs the user out of the app: ends its refresh token, and all that was made of it. */
  logOut(): Promise<void>;
}

/** @throws {Error} where none is installed, or it does not start */
export async function startHomeAssistant(): Promise<HomeAssistant> {
  const python = findHomeAssistant();
  if (!python) throw new Error(noHomeAssistant);
  const port = await freePort();
  const hassUrl = `http://127.0.0.1:${port}/`;
  const folder = await mkdtemp(join(tmpdir(), 'two-stage-home-assistant-'));
  const program = await startProgram(python, [boot, folder, String(port)], /listens$/);
  const credentials = JSON.parse(await readFile(join(folder, 'credentials.json'), 'utf8'));

  /** As an app does that has logged its user in. */
  const getAccessToken = async (signal: AbortSignal): Promise<string> => {
    const response = await fetch(new URL('auth/token', hassUrl), {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: credentials.clientId,
        refresh_token: credentials.refreshToken,
      }),
      signal,
    });
    const answer = await response.json();
    // OAuth 2.0 says it by 400: whoever asks has been logged out.
    if (answer.error === 'invalid_grant') throw { status: 401 };
    if (!response.ok) throw response;
    return answer.access_token;
  };

  let upgrades = 0;
  let id = 0;
  const nextId = () => ++id;
  return {
    version: program.greeting.split(' ')[2] ?? '',
    /** For each it asks once for an access token. */
    get upgrades() {
      return upgrades;
    },
    options(wrong?: Wrong) {
      let asked = 0;
      return homeAssistant({
        hassUrl,
        async getAccessToken(signal) {
          upgrades += 1;
          asked += 1;
          if (wrong === 'bad payload') return 'not a token';
          if (wrong === 'expired token' && asked === 1) return credentials.expiredAccessToken;
          return getAccessToken(signal);
        },
        nextId,
      });
    },
    nextId,
    async logOut() {
      const body = new URLSearchParams({ token: credentials.refreshToken });
      await fetch(new URL('auth/revoke', hassUrl), { method: 'POST', body });
    },
    kill: () => program.kill(),
    revive: () => program.revive(),
    async stop() {
      await program.stop();
      await rm(folder, { recursive: true });
    },
  };
}
