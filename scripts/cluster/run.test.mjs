import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { findRedis, noRedis } from '../services.mjs';
import { startServerProcess } from './server-process.ts';

const host = '127.0.0.1';

// Each process takes seconds to start on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

/**
 * Runs a script of this folder in a process of its own.
 *
 * @param {string[]} script
 * @param {Record<string, string>} variables
 */
function run(script, variables = {}) {
  const child = spawn(process.execPath, script, {
    cwd: import.meta.dirname,
    env: { PATH: process.env.PATH, LOG_LEVEL: 'silent', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  /** @type {string[]} */
  const lines = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      child.emit('line');
    });
  }
  const exited = once(child, 'close').then(([code, signal]) => signal ?? code);

  /**
   * Resolves with what the groups of the first line that matches captured.
   *
   * @param {RegExp} pattern
   * @returns {Promise<string[]>}
   */
  async function says(pattern) {
    for (;;) {
      const found = lines.map((line) => pattern.exec(line)).find((match) => match !== null);
      if (found) return found.slice(1);
      const ended = exited.then((end) => {
        throw new Error(`It ended with ${end}, having said:\n${lines.join('\n')}`);
      });
      await Promise.race([once(child, 'line'), ended]);
    }
  }

  return { child, lines, exited, says };
}

/**
 * Whether something listens there.
 *
 * @param {string | number} port
 */
async function listens(port) {
  const socket = connect(Number(port), host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

test('a server that does not start says why, and is no server', async () => {
  const { says, exited } = run(['testing/one-server.mjs'], { PORT: 'none' });
  await says(/PORT is "none"; expected/);
  await says(/^A server ended before it listened, with 1$/);
  expect(await exited).toBe(1);
});

test('a server stops gracefully when its signal is aborted, and is not started after', async () => {
  const leaving = new AbortController();
  const variables = { PATH: process.env.PATH, PORT: '0', LOG_LEVEL: 'silent' };
  const server = await startServerProcess(variables, leaving.signal);
  await fetch(`${server.url}/health`);
  leaving.abort();
  expect(await server.exited).toBe(0);
  await expect(startServerProcess(variables, leaving.signal)).rejects.toThrow('aborted');
});

test('a server does not outlive who started it', async () => {
  const { child, says } = run(['testing/one-server.mjs'], { PORT: '0' });
  const [port = ''] = await says(/^port (\d+)$/);
  expect(await listens(port)).toBe(true);
  child.kill('SIGKILL');
  await expect.poll(() => listens(port), { timeout: 10_000 }).toBe(false);
});

describe.skipIf(!findRedis())(
  findRedis() ? 'the cluster' : `the cluster: not run, ${noRedis}`,
  () => {
    const script = join(import.meta.dirname, 'run.ts');

    test('one process of three may be killed; a signal ends all, and Redis last', async () => {
      const { child, says, exited, lines } = run([script], { PORT: '0' });
      const [url = ''] = await says(/^Two-Stage Socket demo, on 3 processes: (\S+)$/);
      const ports = await Promise.all(
        ['process 1', 'process 2', 'process 3'].map((name) =>
          says(new RegExp(`${name}: http://[^:]+:(\\d+)/, pid (\\d+)$`)),
        ),
      );
      const [redisPort = ''] = await says(/Redis: [^:]+:(\d+), pid \d+$/);
      const isReady = async () => {
        const response = await fetch(`${url}ready`, { headers: { Connection: 'close' } });
        return response.ok;
      };
      expect(await isReady()).toBe(true);

      const [, pid] = ports[1] ?? [];
      process.kill(Number(pid), 'SIGKILL');
      await says(new RegExp(`^Process 2, pid ${pid}, is gone \\(SIGKILL\\)`));
      for (let time = 0; time < 3; time += 1) expect(await isReady()).toBe(true);

      child.kill('SIGTERM');
      expect(await exited).toBe(0);
      expect(lines.at(-1)).toBe('Stopping …');
      const all = [new URL(url).port, redisPort, ...ports.map(([port = '']) => port)];
      expect(await Promise.all(all.map(listens))).toEqual(all.map(() => false));
    });

    test('a port that is taken ends it with one line that says what to do', async () => {
      const taken = createServer().listen(0, host);
      onTestFinished(() => void taken.close());
      await once(taken, 'listening');
      const { port } = /** @type {import('node:net').AddressInfo} */ (taken.address());
      const { exited, lines } = run([script], { PORT: String(port) });
      expect(await exited).toBe(1);
      expect(lines).toEqual([
        `Port ${port} is taken: set PORT to another one, or to 0 for any that is free.`,
      ]);
    });
  },
);

test('settings that are wrong end it before anything is started, without quoting secrets', async () => {
  const wrong = run([join(import.meta.dirname, 'run.ts')], { PORT: 'none' });
  expect(await wrong.exited).toBe(1);
  expect(wrong.lines[1]).toMatch(/^ {2}PORT is "none"; expected/);
  const foreign = run([join(import.meta.dirname, 'run.ts')], { REDIS_URL: 'http://:hunter2@host' });
  expect(await foreign.exited).toBe(1);
  expect(foreign.lines).toEqual([
    'REDIS_URL is no address of Redis; expected redis://… or rediss://…',
  ]);
});
