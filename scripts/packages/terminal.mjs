import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { root } from '../workspaces.mjs';

/** ms that a command may take, and a server until it says where it listens. */
const LIMIT = 180_000;

/**
 * A terminal as a reader of the guide has one: with Node and npm, and with nothing of this checkout's.
 *
 * @typedef {object} Terminal
 * @property {string} folder it is in; `cd` changes it
 * @property {(script: string) => Promise<void>} run
 * @property {(script: string, env?: Record<string, string>) => Promise<() => Promise<void>>} start
 * starts what goes on until it is stopped, and waits until it says where it listens
 */

/**
 * @param {string} scratch for what the terminal needs itself
 * @param {string} folder
 * @returns {Terminal}
 */
export function openTerminal(scratch, folder) {
  const bin = join(scratch, 'bin');
  const whereabouts = join(scratch, 'pwd');
  mkdirSync(bin, { recursive: true });
  symlinkSync(process.execPath, join(bin, 'node'));
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|NODE_ENV$|NODE_OPTIONS$|VITE|INIT_CWD$)/i.test(name),
  );
  const path = (process.env.PATH ?? '').split(delimiter).filter((entry) => !entry.startsWith(root));
  const env = { ...Object.fromEntries(own), PATH: [bin, ...path].join(delimiter) };

  /** @param {string} script @param {Record<string, string>} [more] */
  const spawnShell = (script, more) => {
    const options = { cwd: terminal.folder, env: { ...env, ...more }, detached: true };
    const child = spawn('sh', ['-e', '-c', script], options);
    let output = '';
    const listeners = new Set();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += stripVTControlCharacters(text);
        for (const listener of listeners) listener();
      });
    }
    const exit = new Promise((resolve) => child.once('close', resolve));
    // All of its children too: npm starts a shell, and that the tool.
    const kill = () => {
      try {
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      } catch {}
    };
    process.once('exit', kill);
    exit.then(() => process.off('exit', kill));
    return { child, exit, kill, output: () => output, listeners };
  };

  /** @type {Terminal} */
  const terminal = {
    folder,
    async run(script) {
      const { child, exit, kill, output } = spawnShell(`${script}\npwd > '${whereabouts}'`);
      child.stdin.end();
      const timer = setTimeout(kill, LIMIT);
      const code = await exit;
      clearTimeout(timer);
      if (code !== 0) throw new Error(`${script}\nended with ${code}:\n${output()}`);
      terminal.folder = readFileSync(whereabouts, 'utf8').trim();
    },
    async start(script, more) {
      const { exit, kill, output, listeners } = spawnShell(script, more);
      const stop = async () => {
        kill();
        await exit;
      };
      const timer = setTimeout(kill, LIMIT);
      const isUp = await Promise.race([
        exit.then(() => false),
        new Promise((resolve) => {
          listeners.add(() => /http:\/\/[\w.[\]]+:\d+/.test(output()) && resolve(true));
        }),
      ]);
      clearTimeout(timer);
      listeners.clear();
      if (!isUp) throw new Error(`${script}\nended before it said where it listens:\n${output()}`);
      return stop;
    },
  };
  return terminal;
}

/** @returns {Promise<number>} a port that nothing listens on */
export function findPort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}
