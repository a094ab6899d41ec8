import { randomBytes } from 'node:crypto';
import { bracket, ownOrigins } from '../../demo-server/src/origins.ts';
import { readSettings, type Settings, SettingsError } from '../../demo-server/src/settings.ts';
import { onStopSignal } from '../../demo-server/src/stop-signals.ts';
import { findRedis, noRedis } from '../services.mjs';
import { type Entry, openEntry } from './entry.ts';
import { keepRunning } from './keep-running.ts';
import { startRedisProcess } from './redis-process.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

/** How many servers there are behind the entry. */
const COUNT = 3;

/** ms until what was killed is started again: time to watch its clients move. */
const RESTART_AFTER = 5000;

/** Aborted when everything is to stop. */
const leaving = new AbortController();
const { signal } = leaving;

/** What is wrong, in words for whoever started this. */
class GivenUp extends Error {}

const orGiveUp = <T>(start: Promise<T>): Promise<T> =>
  start.catch(({ message }: Error) => {
    throw new GivenUp(message);
  });

/** The variables that are set: an empty one counts as not. */
const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));

function settingsOrGiveUp(): Settings {
  try {
    return readSettings(given);
  } catch (error) {
    if (error instanceof SettingsError) throw new GivenUp(error.message);
    throw error;
  }
}

/** The Redis that all servers share: the one that `REDIS_URL` names, or one of our own. */
async function redisOrGiveUp() {
  const { REDIS_URL } = given;
  if (REDIS_URL !== undefined) {
    if (!URL.canParse(REDIS_URL) || !/^rediss?:$/.test(new URL(REDIS_URL).protocol)) {
      throw new GivenUp('REDIS_URL is no address of Redis; expected redis://… or rediss://…');
    }
    // Not the whole address: it may hold a password.
    return { url: REDIS_URL, place: new URL(REDIS_URL).host, keep() {}, stop: async () => {} };
  }
  const binary = findRedis();
  if (binary === undefined) throw new GivenUp(noRedis);
  let redis = await orGiveUp(startRedisProcess(binary));
  const { port, pid } = redis;
  return {
    url: `redis://127.0.0.1:${port}`,
    place: `127.0.0.1:${port}, pid ${pid}`,
    keep() {
      void keepRunning(redis, {
        name: 'Redis',
        consequence: 'connections stay, but nobody new comes in',
        delay: RESTART_AFTER,
        signal,
        async start() {
          await redis.stop();
          redis = await startRedisProcess(binary, port);
          return redis;
        },
      });
    },
    stop: () => redis.stop(),
  };
}

async function entryOrGiveUp({ host, port }: Settings): Promise<Entry> {
  try {
    return await openEntry({ host, port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem =
      code === 'EADDRINUSE'
        ? `Port ${port} is taken: set PORT to another one, or to 0 for any that is free.`
        : `HOST is ${host} and PORT is ${port}, where nothing can listen: ${code}.`;
    throw new GivenUp(problem);
  }
}

/** What a server of the cluster is told, but for its port. */
function variablesFor(redisUrl: string, origins: readonly string[]): NodeJS.ProcessEnv {
  const secret = (): string => randomBytes(32).toString('base64url');
  return {
    ...(given.JWKS_URL === undefined && { JWT_SECRET: secret() }),
    OPERATOR_TOKEN: secret(),
    ORIGINS: origins.join(','),
    // Longer than the entry takes to notice.
    DRAIN_DELAY: '1500',
    ...given,
    HOST: '127.0.0.1',
    TOKEN_STORE: redisUrl,
    FAN_OUT: redisUrl,
  };
}

function introduce(
  url: string,
  servers: readonly ServerProcess[],
  redisPlace: string,
  operatorToken: string | undefined,
): void {
  // One that was given need not be shown. One that was made up is good for as long as this runs.
  const bearer = given.OPERATOR_TOKEN === undefined ? operatorToken : '$OPERATOR_TOKEN';
  const lines = [
    `Two-Stage Socket demo, on ${servers.length} processes: ${url}/`,
    ...servers.map((server, index) => `  process ${index + 1}: ${server.url}/, pid ${server.pid}`),
    `  Redis: ${redisPlace}`,
    `Kill one and watch: kill -9 ${servers[0]?.pid}; it is back ${RESTART_AFTER / 1000} s later.`,
    "The page's fault switches are those of the process that their request happens to reach.",
    'Say something to everybody, on all of them:',
    `  curl -H "Authorization: Bearer ${bearer}" -H "Content-Type: application/json" \\`,
    `    -d '{ "data": "hello" }' ${url}/operator/broadcast`,
  ];
  console.log(lines.join('\n'));
}

async function runCluster(): Promise<void> {
  const settings = settingsOrGiveUp();
  const redis = await redisOrGiveUp();
  let entry: Entry | undefined;
  let starting: Promise<ServerProcess>[] = [];
  try {
    entry = await entryOrGiveUp(settings);
    const variables = variablesFor(redis.url, ownOrigins(settings.host, entry.port));
    const start = (port: number): Promise<ServerProcess> =>
      startServerProcess({ ...variables, PORT: String(port) }, signal);

    starting = Array.from({ length: COUNT }, () => start(0));
    const servers = await orGiveUp(Promise.all(starting));
    for (const { port } of servers) entry.add({ host: '127.0.0.1', port });

    const isAny = settings.host === '0.0.0.0' || settings.host === '::';
    const url = `http://${isAny ? 'localhost' : bracket(settings.host)}:${entry.port}`;
    introduce(url, servers, redis.place, variables.OPERATOR_TOKEN);

    redis.keep();
    const consequence = 'its clients move to the others';
    await Promise.all(
      servers.map((server, index) =>
        keepRunning(server, {
          name: `Process ${index + 1}`,
          consequence,
          delay: RESTART_AFTER,
          start: () => start(server.port),
          signal,
        }),
      ),
    );
  } finally {
    leaving.abort();
    for (const outcome of await Promise.allSettled(starting)) {
      if (outcome.status === 'fulfilled') await outcome.value.exited;
    }
    await entry?.close();
    await redis.stop();
  }
}

let isAsked = false;
// What was started ends with this process, however that ends.
onStopSignal(() => {
  isAsked = true;
  console.log('Stopping …');
  leaving.abort();
});

try {
  await runCluster();
} catch (error) {
  if (!isAsked) {
    console.error(error instanceof GivenUp ? error.message : error);
    process.exitCode = 1;
  }
}
