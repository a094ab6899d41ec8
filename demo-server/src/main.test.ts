import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Client, openClient } from './testing/client.ts';
import { TWO_STAGE } from './wire.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

interface Run {
  readonly process: ChildProcess;
  readonly out: () => string;
  readonly error: () => string;
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>;
}

/** Starts the server as a process of its own, with these variables and no others of ours. */
function run(variables: Record<string, string>): Run {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env.PATH, LOG_LEVEL: 'silent', ...variables },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let error = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    error += chunk;
  });
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return { process: child, out: () => out, error: () => error, exited };
}

async function urlOf({ process: child, out }: Run): Promise<string> {
  while (!out().includes('\n')) await once(child.stdout as NodeJS.ReadableStream, 'data');
  expect(out()).toMatch(/^Two-Stage Socket demo: http:\/\/127\.0\.0\.1:\d+\/\n$/);
  return out().slice('Two-Stage Socket demo: '.length, -2);
}

/** A ready connection to a server that was started. */
async function ready(url: string, protocols: string[]): Promise<Client> {
  const json = { 'Content-Type': 'application/json' };
  const credentials = JSON.stringify({ username: 'ada', password: 'ada' });
  const login = await fetch(`${url}/login`, { method: 'POST', headers: json, body: credentials });
  const jwt = ((await login.json()) as { data: { token: string } }).data.token;
  const mint = await fetch(`${url}/token/ws`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${jwt}` },
  });
  const { token } = ((await mint.json()) as { data: { token: string } }).data;
  const client = await openClient(`${url.replace('http', 'ws')}/demo?token=${token}`, protocols);
  client.sendJson({ type: 'jwt', token: jwt });
  await client.next();
  return client;
}

test('S13 it says where its page is, and stops on SIGTERM with a way back for its clients', async () => {
  const started = run({ PORT: '0' });
  const client = await ready(await urlOf(started), []);
  expect(client.frames).toEqual(['authentication successful']);
  started.process.kill('SIGTERM');
  const { code, reason } = await client.closed;
  expect(code).toBe(1012);
  expect(reason).toMatch(/^retry-after=\d+$/);
  expect(await started.exited).toBe(0);
  expect(started.error()).toBe('');
});

test.each<[NodeJS.Signals, NodeJS.Signals]>([
  ['SIGTERM', 'SIGINT'],
  ['SIGINT', 'SIGTERM'],
])('S13 %s, and then %s while a client does not leave, ends it at once', async (first, second) => {
  // Longer than a test may take, in each half of the stop.
  const started = run({ PORT: '0', DRAIN_TIMEOUT: '600000' });
  const client = await ready(await urlOf(started), [TWO_STAGE]);
  started.process.kill(first);
  expect(await client.nextJson()).toMatchObject({ type: 'going-away' });
  started.process.kill(second);
  expect(await started.exited).toBe(1);
});

test('S13 the same signal again, when a moment has passed, ends it at once', async () => {
  const started = run({ PORT: '0', DRAIN_TIMEOUT: '600000' });
  const client = await ready(await urlOf(started), [TWO_STAGE]);
  started.process.kill('SIGINT');
  expect(await client.nextJson()).toMatchObject({ type: 'going-away' });
  const again = setInterval(() => started.process.kill('SIGINT'), 100);
  onTestFinished(() => clearInterval(again));
  expect(await started.exited).toBe(1);
});

test('S13 a signal that comes twice, from the terminal and from npm, is one', async () => {
  const started = run({ PORT: '0', DRAIN_TIMEOUT: '2000' });
  const client = await ready(await urlOf(started), [TWO_STAGE]);
  started.process.kill('SIGINT');
  expect(await client.nextJson()).toMatchObject({ type: 'going-away' });
  started.process.kill('SIGINT');
  expect((await client.closed).code).toBe(1012);
  expect(await started.exited).toBe(0);
});

test('wrong settings end it with all that is wrong, and no stack', async () => {
  const started = run({ PORT: 'http', FAN_OUT: 'mongodb://user:hunter2@localhost' });
  expect(await started.exited).toBe(1);
  expect(started.error()).toBe(
    [
      'The settings are wrong:',
      '  PORT is "http"; expected a whole number from 0 to 65535',
      '  FAN_OUT is "mongodb://…"; expected memory, or an address that begins with redis://, rediss://',
      '',
    ].join('\n'),
  );
});

test('a port that is taken ends it with one line that says what to do', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const started = run({ PORT: String(port) });
  expect(await started.exited).toBe(1);
  expect(started.error()).toBe(
    `Port ${port} is taken: set PORT to another one, or to 0 for any that is free.\n`,
  );
});
