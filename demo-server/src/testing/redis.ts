import { startRedisProcess } from '../../../scripts/cluster/redis-process.ts';
import { findRedis, noRedis } from '../../../scripts/services.mjs';
import { availability, foreignDatabase, type TestDatabase } from './database.ts';
import { freezeProcess, isRunning, killProcess } from './own-process.ts';

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
  if (binary === undefined) throw new Error(noRedis);
  let server = await startRedisProcess(binary);

  return {
    url: `redis://127.0.0.1:${server.port}`,
    freeze: () => freezeProcess(server.child),
    thaw: () => void server.child.kill('SIGCONT'),
    kill: () => killProcess(server.child),
    async restart() {
      server.child.kill('SIGCONT');
      if (isRunning(server.child)) return;
      await server.stop();
      server = await startRedisProcess(binary, server.port);
    },
    stop: () => server.stop(),
  };
}
