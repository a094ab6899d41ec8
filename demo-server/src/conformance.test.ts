import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { readOptions } from '../../conformance/src/options.ts';
import { check, type Report } from '../../conformance/src/run.ts';
import { briskSettings } from '../../conformance/src/testing/brisk.ts';
import { mongo, startMongo } from './testing/mongo.ts';
import { killProcess } from './testing/own-process.ts';
import { redis, startRedis } from './testing/redis.ts';

const { JWT_SECRET } = briskSettings;

/** A process of the server, with intervals short enough to be waited for. */
async function start(settings: Record<string, string>): Promise<{ url: string; pid: string }> {
  const server = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: {
      ...process.env,
      ...briskSettings,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => killProcess(server));
  for await (const line of createInterface(server.stdout)) {
    const url = /http:\S+/.exec(line)?.[0];
    if (url !== undefined) return { url, pid: String(server.pid) };
  }
  throw new Error('The server ended before it said where it listens');
}

async function conformance(
  settings: Record<string, string>,
  options: readonly string[] = [],
): Promise<Report> {
  const { url, pid } = await start(settings);
  const args = [url, '--jwt-secret', JWT_SECRET, '--pid', pid, ...options];
  return check(readOptions(args, {}));
}

function problemsOf({ rows }: Report): string[] {
  return rows
    .filter(({ outcome }) => outcome === 'fail')
    .map(({ rule, wire, title, detail }) => `${rule} (${wire}) ${title}: ${detail}`);
}

/** Rows for which this server was not made: those of the other kind of token, and of low limits. */
function notRun({ rows }: Report): string[] {
  const titles = rows.filter(({ outcome }) => outcome === 'not-run').map(({ title }) => title);
  return [...new Set(titles)].sort();
}

const LIMITS = [
  'too many connections of a user: 4429 with retry-after instead of the ack',
  'too many unauthenticated sockets: 503 with Retry-After, and the token is not spent',
];

const stores = [
  { available: { isThere: true, name: 'memory' }, start: undefined },
  { available: redis, start: startRedis },
  { available: mongo, start: startMongo },
];

for (const { available, start: startStore } of stores) {
  test.skipIf(!available.isThere)(
    `the server conforms with its tokens in ${available.name}`,
    { timeout: 240_000 },
    async () => {
      const database = await startStore?.();
      if (database !== undefined) onTestFinished(() => database.stop());
      const report = await conformance({ TOKEN_STORE: database?.url ?? 'memory' });
      expect(problemsOf(report)).toEqual([]);
      expect(notRun(report)).toEqual(['a reusable token: admits again', ...LIMITS]);
    },
  );
}

test('the server conforms with reusable tokens', { timeout: 240_000 }, async () => {
  const report = await conformance({ TOKEN_REUSABLE: 'true' });
  expect(problemsOf(report)).toEqual([]);
  expect(notRun(report)).not.toContain('a reusable token: admits again');
});

test('the server conforms in its limits', { timeout: 240_000 }, async () => {
  const limits = { MAX_CONNECTIONS: '8', MAX_UNAUTHENTICATED: '16' };
  const report = await conformance(limits, ['--only', '10.4']);
  expect(problemsOf(report)).toEqual([]);
  expect(notRun(report)).toEqual([]);
});

test('the server conforms where only the original wire is spoken', {
  timeout: 240_000,
}, async () => {
  const { url, pid } = await start({ FAULTS: 'true' });
  const answer = await fetch(new URL('/faults', url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ wire: 'original' }),
  });
  expect(answer.status).toBe(200);
  const report = await check(readOptions([url, '--jwt-secret', JWT_SECRET, '--pid', pid], {}));
  expect(report.wires).toEqual(['original']);
  expect(problemsOf(report)).toEqual([]);
});
