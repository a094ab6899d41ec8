import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** A port of 127.0.0.1 that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}

export function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Ends a process without a chance to say goodbye. */
export async function killProcess(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** Stops a process in its tracks, and returns when it has stopped: it may do a little more first. */
export function freezeProcess(child: ChildProcess): void {
  child.kill('SIGSTOP');
  while (!threadStates(child.pid as number).every((state) => state === 'T')) {
    if (!isRunning(child)) throw new Error('What ended cannot be frozen');
  }
}

/** The state of each thread of a process: one that runs on another core stops on its own. */
function threadStates(pid: number): string[] {
  if (process.platform !== 'linux') {
    return [
      spawnSync('ps', ['-o', 'state=', '-p', String(pid)])
        .stdout.toString()
        .charAt(0),
    ];
  }
  const threads = readdirSync(`/proc/${pid}/task`);
  // The state follows the name, which is in parentheses and may contain some.
  return threads.map((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .charAt(0),
  );
}
