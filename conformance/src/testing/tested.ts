import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Options } from '../options.ts';
import { readOptions } from '../options.ts';
import { check, type Report } from '../run.ts';
import type { Break } from './breaks.ts';

const SECRET = 'the secret of the breakable server, 32 bytes and more';

/** A breakable server in a process of its own. */
export interface Tested extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** Starts a breakable server; it ends when it is disposed of. */
export async function startTested(...broken: readonly Break[]): Promise<Tested> {
  const main = join(import.meta.dirname, 'breakable-main.ts');
  const child = spawn(process.execPath, [main, ...broken], {
    env: { ...process.env, JWT_SECRET: SECRET },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = await Promise.race([once(child.stdout, 'data'), exited]);
  return {
    url: String(line).trim(),
    pid: child.pid as number,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Checks a server that is broken in these ways, with little patience. */
export async function checkBroken(
  broken: readonly Break[],
  given: Partial<Options> = {},
): Promise<Report> {
  await using tested = await startTested(...broken);
  return await check({
    ...readOptions([tested.url, '--patience', '4200'], { JWT_SECRET: SECRET }),
    pid: tested.pid,
    ...given,
  });
}
