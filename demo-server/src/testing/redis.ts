import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findRedis, noRedis } from '../../../scripts/services.mjs';
import { availability, foreignDatabase, type TestDatabase } from './database.ts';
import { freePort, freezeProcess, isRunning, killProcess } from './own-process.ts';

const { REDIS_URL } = process.env;
const binary = REDIS_URL ? undefined : findRedis();

/** Whether tests can have a Redis. */
export const redis = availability('Redis', {
  url: REDIS_URL,
  variable: 'REDIS_URL',
  binary,
  missing: noRedis,
});

/** A Redis of one's own on 127.0.0.1, with nothing in it, or the one that `REDIS_URL` names. */
export async function startRedis(): Promise<TestDatabase> {
  if (REDIS_URL) return foreignDatabase(REDIS_URL);
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'two-stage-redis-'));
  let child = await launch(port, folder);

  return {
    url: `redis://127.0.0.1:${port}`,
    freeze: () => freezeProcess(child),
    thaw: () => void child.kill('SIGCONT'),
    kill: () => killProcess(child),
    async restart() {
      child.kill('SIGCONT');
      if (!isRunning(child)) child = await launch(port, folder);
    },
    async stop() {
      await killProcess(child);
      await rm(folder, { recursive: true });
    },
  };
}

async function launch(port: number, folder: string): Promise<ChildProcess> {
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  const child = spawn(binary as string, options, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  let isReady = false;
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    isReady = line.includes('Ready to accept connections');
    if (isReady) break;
  }
  child.stdout.resume();
  if (!isReady) throw new Error(`Redis did not start:\n${lines.join('\n')}`);
  return child;
}
