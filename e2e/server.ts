import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../demo-server/src/main.ts', import.meta.url));

/** The reference server, in a process of its own. */
export interface Server {
  readonly url: string;
  /** Sets fault switches, or does what an `action` says. */
  faults(order: object): Promise<void>;
  /** Kills it as a crash would: nobody is told. */
  crash(): Promise<void>;
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

export async function startServer(): Promise<Server> {
  let [child, url] = await start('0');

  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  };
  return {
    url,
    async faults(order) {
      const response = await fetch(`${url}/faults`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(order),
      });
      if (!response.ok) throw new Error(`/faults answered ${response.status}`);
    },
    crash: () => end('SIGKILL'),
    async restart() {
      [child, url] = await start(new URL(url).port);
    },
    // A graceful stop would wait for pages that no test looks at any more.
    stop: () => end('SIGKILL'),
  };
}

/** Resolves once the server says where it listens. */
async function start(port: string): Promise<[ChildProcess, string]> {
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, ...settings, PORT: port },
    stdio: ['ignore', 'pipe', 'inherit'],
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
