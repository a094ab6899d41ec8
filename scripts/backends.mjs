// Runs the conformance runner against the reference server, on each of its stores, and against the
// backends in other languages: `npm run test:backends [-- go,python]`.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { readOptions } from '../conformance/src/options.ts';
import { check } from '../conformance/src/run.ts';
import { briskSettings } from '../conformance/src/testing/brisk.ts';
import { mongo, startMongo } from '../demo-server/src/testing/mongo.ts';
import { redis, startRedis } from '../demo-server/src/testing/redis.ts';
import { root } from './workspaces.mjs';

/**
 * A server to be checked.
 *
 * @typedef {object} Backend
 * @property {string} name
 * @property {[string, ...string[]][]} [tools] commands that must succeed, or it is not run
 * @property {[string, ...string[]][]} [build]
 * @property {[string, ...string[]]} command
 * @property {string} [folder] where it is built and run
 * @property {() => Promise<{ env: Record<string, string>, stop: () => Promise<void> }>} [needs]
 * @property {{ isThere: boolean, name: string }} [available]
 */

const cache = join(root, 'node_modules', '.cache', 'two-stage-socket', 'backends');
const examples = join(root, 'examples', 'backends');
const node = process.execPath;
const reference = join(root, 'demo-server', 'src', 'main.ts');

/** @param {() => Promise<{ url: string, stop(): Promise<void> }>} start */
const storeOf = (start) => async () => {
  const database = await start();
  return { env: { TOKEN_STORE: database.url }, stop: () => database.stop() };
};

/** @type {Record<string, Backend>} */
const backends = {
  memory: { name: 'reference server, memory', command: [node, reference] },
  redis: {
    name: 'reference server, Redis',
    available: redis,
    command: [node, reference],
    needs: storeOf(startRedis),
  },
  mongodb: {
    name: 'reference server, MongoDB',
    available: mongo,
    command: [node, reference],
    needs: storeOf(startMongo),
  },
  go: {
    name: 'Go',
    folder: join(examples, 'go'),
    tools: [['go', 'version']],
    build: [['go', 'build', '-o', join(cache, 'go-backend'), '.']],
    command: [join(cache, 'go-backend')],
  },
  python: {
    name: 'Python',
    folder: join(examples, 'python'),
    tools: [['python3', '-c', 'import sys, venv; sys.exit(sys.version_info < (3, 11))']],
    build: [
      ['python3', '-m', 'venv', join(cache, 'python')],
      [join(cache, 'python/bin/python'), '-m', 'pip', 'install', '-q', '-r', 'requirements.txt'],
    ],
    command: [join(cache, 'python/bin/python'), 'server.py'],
  },
  java: {
    name: 'Java',
    folder: join(examples, 'java'),
    tools: [
      ['java', '-version'],
      ['mvn', '--version'],
    ],
    build: [['mvn', '-q', '-B', 'package']],
    command: ['java', '-jar', 'target/server.jar'],
  },
};

/**
 * @param {Backend} backend
 * @returns {Promise<import('../conformance/src/run.ts').Report | string>} or why it was not run
 */
async function checkBackend({ folder = root, tools = [], build = [], ...backend }) {
  const missing = tools.find((tool) => !run(tool, folder).ok);
  if (missing !== undefined) return `not run: ${missing[0]} is not there, or too old`;
  if (backend.available?.isThere === false) return backend.available.name;
  mkdirSync(cache, { recursive: true });
  for (const step of build) {
    const { ok, output } = run(step, folder);
    if (!ok) throw new Error(`${step.join(' ')} failed:\n${output}`);
  }
  const needs = await backend.needs?.();
  const [command, ...args] = backend.command;
  const server = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, ...briskSettings, ...needs?.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await addressOf(server);
    const options = ['--jwt-secret', briskSettings.JWT_SECRET, '--pid', String(server.pid)];
    return await check(readOptions([url, ...options], {}));
  } finally {
    if (server.exitCode === null && server.signalCode === null && server.kill('SIGKILL')) {
      await once(server, 'exit');
    }
    await needs?.stop();
  }
}

/** @param {import('node:child_process').ChildProcess} server */
async function addressOf(server) {
  if (server.stdout === null) throw new Error('The server has no output');
  const lines = createInterface(server.stdout);
  for await (const line of lines) {
    const address = /https?:\/\/[\w.:[\]]+/.exec(line)?.[0];
    if (address === undefined) continue;
    server.stdout.resume();
    return address;
  }
  throw new Error('The server ended before it said where it listens');
}

/**
 * @param {[string, ...string[]]} command
 * @param {string} cwd
 */
function run([command, ...args], cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  return { ok: status === 0, output: `${stdout ?? ''}${stderr ?? ''}`.trim() };
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const chosen = positionals.length === 0 ? Object.keys(backends) : positionals.flatMap(splitList);
const unknown = chosen.filter((name) => !(name in backends));
if (unknown.length > 0) {
  console.error(`No backend ${unknown.join(', ')}: there are ${Object.keys(backends).join(', ')}.`);
  process.exit(2);
}

/** @param {string} text */
function splitList(text) {
  return text.split(',');
}

/** @type {[string, import('../conformance/src/run.ts').Report][]} */
const reports = [];
/** @type {Record<string, unknown>} */
const json = {};
for (const key of chosen) {
  const backend = backends[key];
  if (backend === undefined) continue;
  const outcome = await checkBackend(backend).catch((error) => {
    process.exitCode = 1;
    return `FAILED: ${error.message}`;
  });
  json[key] = outcome;
  if (typeof outcome === 'string') {
    if (!values.json) console.log(`${backend.name}: ${outcome}`);
    continue;
  }
  reports.push([key, outcome]);
  const { passed, failed, notRun } = outcome;
  if (failed > 0) process.exitCode = 1;
  if (values.json) continue;
  console.log(`${backend.name}: ${passed} passed, ${failed} failed, ${notRun} not run`);
}

if (values.json) console.log(JSON.stringify(json, undefined, 2));
else if (reports.length > 0) printTable();

function printTable() {
  const marks = { pass: 'pass', fail: 'FAIL', 'not-run': '-' };
  /** @type {Map<string, string[]>} */
  const lines = new Map();
  for (const [column, [, { rows }]] of reports.entries()) {
    for (const { rule, wire, title, outcome } of rows) {
      const name = `${rule.padEnd(18)} ${wire.padEnd(12)} ${title}`;
      const cells = lines.get(name) ?? reports.map(() => '');
      cells[column] = marks[outcome];
      lines.set(name, cells);
    }
  }
  const width = Math.max(...reports.map(([key]) => key.length), 4);
  const row = (/** @type {string[]} */ cells) => cells.map((cell) => cell.padEnd(width)).join('  ');
  console.log(`\n${row(reports.map(([key]) => key))}  ${'rule'.padEnd(18)} ${'wire'.padEnd(12)}`);
  for (const [name, cells] of lines) console.log(`${row(cells)}  ${name}`);
  for (const [key, { rows }] of reports) {
    for (const { outcome, rule, title, detail } of rows) {
      if (outcome === 'fail') console.log(`\n${key} fails ${rule}, ${title}: ${detail}`);
    }
  }
}
