import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../demo-server/src/main.ts', import.meta.url));

/** What the tests read of a line of its log. */
export interface LogLine {
  readonly msg: string;
  readonly code?: number;
}

/** The reference server, in a process of its own. */
export interface Server {
  readonly url: string;
  /** What it has logged: nothing, unless its settings say so. */
  readonly log: readonly LogLine[];
  /** Sets fault switches, or does what an `action` says. */
  faults(order: object): Promise<void>;
  /** Kills it as a crash would: nobody is told. */
  crash(): Promise<void>;
  /** Asks it to stop, as a deployment does, and waits until it has. Resolves with its exit code. */
  drain(): Promise<number | null>;
  /** Starts it again where it was. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const settings = {
  FAULTS: '1',
  LOG_LEVEL: 'silent',
  JWT_SECRET: 'a secret of the e2e tests, the same after a restart',
  BROADCAST_EVERY: '200',
  INDIVIDUAL_EVERY: '200',
  // The tests are a few users in a hurry.
  TOKENS_PER_MINUTE: '0',
};

/** @param own Settings, as environment variables, in place of those above. */
export async function startServer(own: Readonly<Record<string, string>> = {}): Promise<Server> {
  const log: LogLine[] = [];
  let [child, url] = await start({ ...own, PORT: '0' }, log);

  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  };
  return {
    url,
    log,
    async faults(order) {
      const response = await fetch(`${url}/faults`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(order),
      });
      if (!response.ok) throw new Error(`/faults answered ${response.status}`);
    },
    crash: () => end('SIGKILL'),
    async drain() {
      await end('SIGTERM');
      return child.exitCode;
    },
    async restart() {
      [child, url] = await start({ ...own, PORT: new URL(url).port }, log);
    },
    // A graceful stop would wait for pages that no test looks at any more.
    stop: () => end('SIGKILL'),
  };
}

/** Resolves once the server says where it listens. */
async function start(
  own: Readonly<Record<string, string>>,
  log: LogLine[],
): Promise<[ChildProcess, string]> {
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, ...settings, ...own },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  createInterface(child.stderr).on('line', (line) => {
    // What is no log line is an error that somebody has to see.
    if (line.startsWith('{')) log.push(JSON.parse(line));
    else console.error(line);
  });
  // A run that is broken off has no time for `stop`.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  for await (const line of child.stdout) {
    const url = /http:\/\/[^\s/]+/.exec(String(line))?.[0];
    if (url) return [child, url];
  }
  throw new Error(`The server ended with code ${child.exitCode} before it listened`);
}
