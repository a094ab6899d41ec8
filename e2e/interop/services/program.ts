import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** A server in a process of its own. */
export interface Program {
  /** The line with which it said that it listens. */
  readonly greeting: string;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again, as it was started. */
  revive(): Promise<void>;
  /** For good. */
  stop(): Promise<void>;
}

/**
 * Resolves once it listens.
 *
 * @param listens what the line looks like with which it says so, on either output
 * @throws {Error} with what it said, if it ends before
 */
export async function startProgram(
  path: string,
  args: readonly string[],
  listens: RegExp,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Program> {
  let [child, greeting] = await launch(path, args, listens, env);
  return {
    get greeting() {
      return greeting;
    },
    kill: () => end(child),
    async revive() {
      await end(child);
      [child, greeting] = await launch(path, args, listens, env);
    },
    stop: () => end(child),
  };
}

/**
 * A shell puts both outputs into one, and becomes the program. What it leaves behind ends that as soon
 * as nobody holds the other end of fd 3 any more, however this process ended; a line calls it off.
 */
const script = '(read -r line <&3 || kill -9 $$) >/dev/null 2>&1 & exec "$0" "$@" 2>&1 3<&-';

async function launch(
  path: string,
  args: readonly string[],
  listens: RegExp,
  env: NodeJS.ProcessEnv,
): Promise<[ChildProcess, string]> {
  const child = spawn('/bin/sh', ['-c', script, path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    env,
  });
  const output = child.stdio[1] as Readable;
  const lifeline = child.stdio[3] as Writable;
  // A signal to the whole group ends the one at the other end as well.
  lifeline.on('error', () => {});
  child.once('exit', () => lifeline.end('\n'));

  const said: string[] = [];
  for await (const line of createInterface(output)) {
    said.push(line);
    if (!listens.test(line)) continue;
    output.resume();
    return [child, line];
  }
  await end(child);
  throw new Error(`${path} ended before it listened:\n${said.join('\n')}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
