import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoInstance } from 'mongodb-memory-server-core';
import { freePort } from '../../../scripts/cluster/redis-process.ts';
import { findMongo, noMongo } from '../../../scripts/services.mjs';
import { availability, foreignDatabase, type TestDatabase } from './database.ts';
import { freezeProcess, killProcess } from './own-process.ts';

const { MONGODB_URL } = process.env;
const binary = MONGODB_URL ? undefined : await findMongo();

// It would complain that the machine's own MongoDB is of another version.
process.env.MONGOMS_SYSTEM_BINARY_VERSION_CHECK ??= 'false';

/** Whether tests can have a MongoDB. */
export const mongo = availability('MongoDB', {
  url: MONGODB_URL,
  variable: 'MONGODB_URL',
  binary,
  missing: noMongo,
});

/** A MongoDB of one's own on 127.0.0.1, with nothing in it, or the one that `MONGODB_URL` names. */
export async function startMongo(): Promise<TestDatabase> {
  if (MONGODB_URL) return foreignDatabase(MONGODB_URL);
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'two-stage-mongo-'));
  let instance = await launch(port, folder);

  async function kill(): Promise<void> {
    const { mongodProcess } = instance;
    if (mongodProcess !== undefined) await killProcess(mongodProcess);
    // Another process watches over it.
    await instance.stop();
  }

  return {
    url: `mongodb://127.0.0.1:${port}/`,
    freeze: () => freezeProcess(instance.mongodProcess as ChildProcess),
    thaw: () => void instance.mongodProcess?.kill('SIGCONT'),
    kill,
    async restart() {
      instance.mongodProcess?.kill('SIGCONT');
      if (instance.mongodProcess === undefined) instance = await launch(port, folder);
    },
    async stop() {
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}

async function launch(port: number, folder: string): Promise<MongoInstance> {
  const dbPath = await mkdtemp(join(folder, 'data-'));
  return MongoInstance.create({
    // Not MongoMemoryServer, which takes another port where one was in use a moment ago.
    instance: { ip: '127.0.0.1', port, dbPath },
    binary: { systemBinary: binary as string },
  });
}
