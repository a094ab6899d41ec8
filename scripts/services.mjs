import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { onPath, run } from './command.mjs';
import { root } from './workspaces.mjs';

/** What a test that cannot run without a database says, and how to get one. */
export const noRedis = 'no redis-server found: apt-get install redis-server, or set REDIS_URL';
export const noMongo =
  'no MongoDB found: install mongod, or Java and Maven for one in memory, or set MONGODB_URL';

const cache = join(root, 'node_modules', '.cache', 'two-stage-socket');
const server = join(root, 'demo-server', 'package.json');
const linkedRedis = join(cache, 'redis-server');
const javaFolder = join(cache, 'mongo-java-server');
const javaMongo = join(javaFolder, 'mongod');

/** ms after which something that failed is tried again: nobody wants to wait for it at every test. */
const RETRY_AFTER = 24 * 60 * 60 * 1000;

/** Where a redis-server that starts is, if there is one. */
export function findRedis() {
  return [...onPath('redis-server'), linkedRedis].find(starts);
}

/**
 * Where a MongoDB that starts is, if there is one: `MONGOMS_SYSTEM_BINARY`, which is not papered
 * over by another if it is wrong, the machine's own, the one that mongodb-memory-server brought, or
 * the one in Java.
 *
 * @returns {Promise<string | undefined>}
 */
export async function findMongo(env = process.env) {
  if (env.MONGOMS_SYSTEM_BINARY) return [env.MONGOMS_SYSTEM_BINARY].find(starts);
  return onPath('mongod').find(starts) ?? [await downloaded(), javaMongo].find(starts);
}

/**
 * Brings what is missing for the tests of databases, as far as this machine allows. Without it they
 * are skipped, and say so; nothing else depends on it.
 */
export async function bringServices(env = process.env) {
  requireRedis(env);
  if (env.MONGODB_URL || (await findMongo(env))) return;
  if ((await downloadMongo(env)) || bringJavaMongo()) return;
  console.log(noMongo);
}

/** Brings a Redis, if there is none, as far as this machine allows. */
export function requireRedis(env = process.env) {
  if (!env.REDIS_URL && !findRedis() && !bringRedis()) console.log(noRedis);
}

/**
 * Debian's redis-tools is the whole server, under the name of one of its tools, without the system
 * service that the package redis-server starts.
 */
function bringRedis() {
  if (linkRedis()) return true;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) return false;
  return attempt('redis-server', 'Installing a Redis for the tests …', () => {
    const options = ['-qq', '-y', '--no-install-recommends', 'redis-tools'];
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    // Updated first: the lists of packages are old, or not there at all, in most containers.
    run('apt-get', ['update', '-qq']);
    return run('apt-get', ['install', ...options], { env }) && linkRedis();
  });
}

function linkRedis() {
  const tool = onPath('redis-check-rdb').find((path) => existsSync(path));
  if (tool === undefined) return false;
  mkdirSync(cache, { recursive: true });
  rmSync(linkedRedis, { force: true });
  symlinkSync(tool, linkedRedis);
  return starts(linkedRedis);
}

/** @param {NodeJS.ProcessEnv} env */
async function downloadMongo(env) {
  const name = 'mongod';
  if (failedLately(name)) return false;
  const source = env.MONGOMS_DOWNLOAD_MIRROR || 'https://fastdl.mongodb.org';
  const signal = AbortSignal.timeout(5000);
  const isThere = await fetch(source, { method: 'HEAD', signal }).then(
    () => true,
    () => false,
  );
  if (!isThere) return remember(name, false);
  return attempt(name, 'Downloading a MongoDB for the tests, about 100 MB …', () => {
    const script = "require('mongodb-memory-server-core').MongoBinary.getPath()";
    // From there it is resolved.
    return run(process.execPath, ['-e', script], { cwd: dirname(server) });
  });
}

/** Where mongodb-memory-server has put the MongoDB that it downloads, if it is there. */
async function downloaded() {
  const { DryMongoBinary } = createRequire(server)('mongodb-memory-server-core');
  return DryMongoBinary.locateBinary(await DryMongoBinary.generateOptions());
}

function bringJavaMongo() {
  const tools = ['java', 'javac', 'mvn'];
  if (!tools.every(isOnPath)) return false;
  return attempt('mongo-java-server', 'Bringing a MongoDB in Java for the tests …', () => {
    const sources = join(root, 'scripts', 'mongo');
    const jars = join(javaFolder, 'jars');
    const output = [`-DoutputDirectory=${jars}`, '-DincludeScope=runtime'];
    const pom = join(sources, 'pom.xml');
    const classPath = `${javaFolder}${delimiter}${jars}/*`;
    rmSync(javaFolder, { recursive: true, force: true });
    mkdirSync(jars, { recursive: true });
    if (!run('mvn', ['-B', '-q', '-f', pom, 'dependency:copy-dependencies', ...output]))
      return false;
    const source = join(sources, 'MongoServer.java');
    if (!run('javac', ['-cp', classPath, '-d', javaFolder, source])) return false;
    // Answers for its version without the time that Java takes to start.
    const lines = [
      '#!/bin/sh',
      'if [ "$1" = --version ]; then echo "mongo-java-server, as MongoDB 4.4.0"; exit; fi',
      `exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx128m -cp '${classPath}' MongoServer "$@"`,
    ];
    writeFileSync(javaMongo, `${lines.join('\n')}\n`, { mode: 0o755 });
    return starts(javaMongo);
  });
}

/**
 * Says and does something that may take a while, unless it has failed within the last day.
 *
 * @param {string} name
 * @param {string} announcement
 * @param {() => boolean} action whether it worked
 */
function attempt(name, announcement, action) {
  if (failedLately(name)) return false;
  console.log(announcement);
  return remember(name, action());
}

const failureOf = (/** @type {string} */ name) => join(cache, `${name}.failed`);

/** @param {string} name */
function failedLately(name) {
  const file = failureOf(name);
  return existsSync(file) && Date.now() - statSync(file).mtimeMs < RETRY_AFTER;
}

/**
 * @param {string} name
 * @param {boolean} succeeded
 */
function remember(name, succeeded) {
  mkdirSync(cache, { recursive: true });
  if (succeeded) rmSync(failureOf(name), { force: true });
  else writeFileSync(failureOf(name), '');
  return succeeded;
}

/** @param {string} name */
function isOnPath(name) {
  return onPath(name).some((path) => existsSync(path));
}

/** @param {string | undefined} path */
function starts(path) {
  return path !== undefined && spawnSync(path, ['--version']).status === 0;
}
