import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A Redis in a process of its own, on this machine alone, that writes nothing to the disk. */
export interface RedisProcess {
  readonly pid: number;
  readonly port: number;
  /** For who does more to it than to stop it. */
  readonly child: ChildProcess;
  /** Resolves with its exit status, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** Ends it, and what it left behind. */
  stop(): Promise<void>;
}

/**
 * Starts a Redis and resolves once it listens.
 *
 * @param binary where `redis-server` is
 * @param given the port to listen on. Default: one that is free
 * @throws {Error} with what it said, if it ends before it listens
 */
export async function startRedisProcess(binary: string, given?: number): Promise<RedisProcess> {
  if (given !== undefined) return launch(binary, given);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(binary, await freePort());
    } catch (error) {
      // A port that was free may not be any more.
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

const ATTEMPTS = 3;

async function launch(binary: string, port: number): Promise<RedisProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'two-stage-redis-'));
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  const child = spawn(binary, options, {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Ctrl-C is not for it: the servers need it until they have stopped.
    detached: true,
  });
  const exited = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 0));
  });
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.on('exit', killWithUs);

  async function stop(): Promise<void> {
    child.kill('SIGKILL');
    await exited.catch(() => {});
    process.off('exit', killWithUs);
    await rm(folder, { recursive: true, force: true });
  }

  const said: string[] = [];
  let isReady = false;
  for await (const line of createInterface(child.stdout)) {
    said.push(line);
    isReady = line.includes('Ready to accept connections');
    if (isReady) break;
  }
  if (!isReady) {
    await stop();
    throw new Error(`Redis ended before it listened:\n${said.join('\n')}`);
  }
  child.stdout.resume();
  return { pid: child.pid as number, port, child, exited, stop };
}

/** A port that nothing listens on: Redis cannot be told to take any that is free. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
