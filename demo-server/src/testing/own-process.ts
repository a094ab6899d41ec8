import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';

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
