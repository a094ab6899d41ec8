/** The processes that take part. They end with this one, since their IPC channel does. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const toPath = (file) => fileURLToPath(new URL(file, import.meta.url));

/** The system's Node may be one that does not run TypeScript: the repository brings its own. */
const execPath = process.features.typescript
  ? process.execPath
  : fileURLToPath(import.meta.resolve('node/bin/node'));

/** The servers there are, by their scripts. */
const servers = { ours: '../../demo-server/src/main.ts', bare: './bare.mjs' };

/** Bounds whatever is asked of a process, in ms. */
const PATIENCE = 300_000;

/**
 * Starts a server with these environment variables, `hook.mjs` in it, on a port that is free.
 *
 * @param name `ours` or `bare`
 * @param profiles directory for its CPU profile, or `undefined` for none
 * @returns `address` (`name`, `origin` and `socketUrl`, for clients), `pid`, `ask`, `end`
 */
export async function startServer(name, settings, profiles) {
  const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
  const child = fork(toPath(servers[name]), {
    execPath,
    execArgv: ['--expose-gc', ...profiling, '--import', import.meta.resolve('./hook.mjs')],
    env: { ...process.env, PORT: '0', LOG_LEVEL: 'error', ...settings },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const conversation = converse(child, `The server "${name}"`);
  const [line] = await conversation.unlessEnded(once(child.stdout.setEncoding('utf8'), 'data'));
  const origin = new URL(/http:\S+/.exec(line)[0]).origin;
  const socketUrl = `${origin.replace('http', 'ws')}/demo`;
  return { address: { name, origin, socketUrl }, pid: child.pid, ...conversation };
}

/** Forks `count` processes of a script in this folder. Each is asked and ended by itself. */
export function startClients(script, count) {
  return Array.from({ length: count }, () => {
    const child = fork(toPath(script), { execPath, serialization: 'advanced' });
    return converse(child, `A process of ${script}`);
  });
}

/** Asks all of them the same, at once. */
export function askAll(clients, name, ...args) {
  return Promise.all(clients.map((client) => client.ask(name, ...args)));
}

function converse(child, title) {
  let lastId = 0;
  const waiting = new Map();
  child.on('message', ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(value);
    else reject(new Error(`${title} failed: ${error}`));
  });
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${title} ended by itself, with ${signal ?? code}`);
  });
  ended.catch(() => {});
  const unlessEnded = (promise) => Promise.race([promise, ended]);

  return {
    unlessEnded,
    async ask(name, ...args) {
      const id = ++lastId;
      let timer;
      const answered = new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        const giveUp = () => reject(new Error(`${title} did not answer "${name}" in time`));
        timer = setTimeout(giveUp, PATIENCE);
      });
      child.send({ id, name, args });
      try {
        return await unlessEnded(answered);
      } finally {
        clearTimeout(timer);
      }
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
