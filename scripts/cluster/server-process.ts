import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../demo-server/src/main.ts');
const ENDS_WITH_PARENT = join(import.meta.dirname, 'ends-with-parent.mjs');

/** A reference server in a process of its own. It ends with this one at the latest. */
export interface ServerProcess {
  readonly pid: number;
  /** Where it is, like `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly port: number;
  /** Resolves with its exit status, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** Sends it a signal, if it is still there. */
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a server and resolves once it listens. What it has to say goes to standard error.
 *
 * @param variables its environment: the settings, and `PATH`
 * @param signal aborted when it is to stop, gracefully
 * @throws {Error} if it ends before it listens, or was to stop before it was started
 */
export async function startServerProcess(
  variables: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<ServerProcess> {
  signal?.throwIfAborted();
  const child = spawn(process.execPath, ['--import', ENDS_WITH_PARENT, MAIN], {
    env: variables,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    // A terminal's Ctrl-C is for this process, which then asks the others in its own order.
    detached: true,
  });
  const exited = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 0));
  });
  const stop = (): void => void child.kill('SIGTERM');
  signal?.addEventListener('abort', stop);
  void exited.catch(() => {}).then(() => signal?.removeEventListener('abort', stop));
  const listening = once(child.stdout as NodeJS.ReadableStream, 'data');
  const early = exited.then((end) => {
    throw new Error(`A server ended before it listened, with ${end}`);
  });
  const [said] = await Promise.race([listening, early]);
  const { origin: url, port } = new URL(/http:\S+/.exec(String(said))?.[0] ?? '');
  return {
    pid: child.pid as number,
    url,
    port: Number(port),
    exited,
    kill: (signal) => void child.kill(signal),
  };
}
