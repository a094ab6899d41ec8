import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Options } from '../options.ts';
import { readOptions } from '../options.ts';
import type { Row } from '../row.ts';
import { allRows } from '../rows/index.ts';
import { check, type Report } from '../run.ts';
import { startBreakableServer } from './breakable-server.ts';
import type { Break } from './breaks.ts';

/** What the breakable server's JWTs are signed with. */
export const SECRET = 'the secret of the breakable server, 32 bytes and more';

/** Rows that take long, and are about something of their own: expiry, limits, the stop. */
const isSlow = ({ rules }: Row): boolean =>
  rules.some((rule) => ['10.1', '10.4', '10.5'].includes(rule));

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

/** Checks a server that is broken in these ways by all rows. It is stopped for that. */
export async function checkBroken(
  broken: readonly Break[],
  given: Partial<Options> = {},
): Promise<Report> {
  await using tested = await startTested(...broken);
  return await check({ ...optionsFor(tested.url, 10_000), pid: tested.pid, ...given });
}

/** Checks a server that is broken in these ways by all rows but the slow ones. */
export async function checkBrokenQuickly(
  broken: readonly Break[],
  given: Partial<Options> = {},
): Promise<Report> {
  const server = await startBreakableServer(new Set(broken), SECRET);
  try {
    const table = allRows().filter((row) => !isSlow(row));
    return await check({ ...optionsFor(server.url, 5000), ...given }, table);
  } finally {
    await server.close();
  }
}

/** Options for a server; what it does at once it may take `patience` ms for. */
const optionsFor = (url: string, patience: number): Options =>
  readOptions([url, '--patience', `${patience}`], { JWT_SECRET: SECRET });

/** What the rows that failed say, to be told beside an expectation. */
export const reasons = ({ rows }: Report): string =>
  rows
    .filter(({ outcome }) => outcome !== 'pass')
    .map(({ outcome, rule, wire, detail }) => `${outcome} ${rule} (${wire}): ${detail}`)
    .join('\n');

/** The rows that failed, as `rule (wire)`, each of them once. */
export function failedRows({ rows }: Report): string[] {
  const failed = rows.filter((row) => row.outcome === 'fail');
  return [...new Set(failed.map(({ rule, wire }) => `${rule} (${wire})`))];
}
