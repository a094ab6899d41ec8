import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../scripts/cluster/redis-process.ts';
import { findJupyter, noJupyter } from '../../../scripts/interop/python.mjs';
import type { Server, Wrong } from '../contract.ts';
import { jupyter } from '../recipes/jupyter.ts';
import { startProgram } from './program.ts';

/** A Jupyter server with kernels of Python. */
export interface Jupyter extends Server {
  /** Where it listens, with a slash at the end. */
  readonly baseUrl: string;
  /** What it asks of everybody. */
  readonly token: string;
}

/**
 * Starts a Jupyter server that answers the pages of every origin. Its kernels end a second after it.
 *
 * @throws {Error} where none is installed, or it does not start
 */
export async function startJupyter(): Promise<Jupyter> {
  const python = findJupyter();
  if (!python) throw new Error(noJupyter);
  const token = randomUUID();
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}/`;
  const folder = await mkdtemp(join(tmpdir(), 'two-stage-jupyter-'));
  const settings = {
    ip: '127.0.0.1',
    port,
    port_retries: 0,
    root_dir: folder,
    allow_origin: '*',
    // Below it, nothing that is said is said after it listens.
    log_level: 'DEBUG',
  };
  const program = await startProgram(
    python,
    [
      ...['-m', 'jupyter_server', '--no-browser', '--allow-root'],
      ...Object.entries(settings).map(([name, value]) => `--ServerApp.${name}=${value}`),
    ],
    /extension was successfully started/,
    {
      ...process.env,
      JUPYTER_TOKEN: token,
      JUPYTER_CONFIG_DIR: join(folder, 'config'),
      JUPYTER_DATA_DIR: join(folder, 'data'),
      JUPYTER_RUNTIME_DIR: join(folder, 'runtime'),
      IPYTHONDIR: join(folder, 'ipython'),
    },
  );
  const { version } = await (await fetch(new URL('api', baseUrl))).json();

  return {
    version,
    baseUrl,
    token,
    options: (wrong?: Wrong) =>
      jupyter({
        baseUrl,
        path: 'notebook.ipynb',
        sessionId: randomUUID(),
        getApiToken: () => (wrong === 'bad token' ? 'not the token' : token),
      }),
    kill: () => program.kill(),
    revive: () => program.revive(),
    async stop() {
      await program.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
