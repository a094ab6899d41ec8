import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Report } from './run.ts';
import { SECRET, startTested } from './testing/tested.ts';

/** Runs the command. */
async function run(...args: string[]) {
  const main = join(import.meta.dirname, 'main.ts');
  const { JWT_SECRET: _, ...env } = process.env;
  const child = spawn(process.execPath, [main, ...args], { env });
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.on('exit', resolve)),
  ]);
  return { stdout, stderr, status };
}

const TIMEOUT = { timeout: 30_000 };

describe.concurrent('the command', () => {
  test('ends with 0 and a table when no row failed', TIMEOUT, async () => {
    await using tested = await startTested();
    const { stdout, status } = await run(tested.url, '--only', '6,7.4', '--jwt-secret', SECRET);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^pass {5}7\.4 +two-stage\.v1 +ping: pong; pong: nothing$/m);
    expect(stdout).toMatch(/\n5 passed, 0 failed, 0 not run\n$/);
  });

  test(
    'ends with 1 and says what was expected and what came when a row failed',
    TIMEOUT,
    async () => {
      await using tested = await startTested('closes at an unknown type');
      const { stdout, status } = await run(tested.url, '--only', '7.6');
      expect(status).toBe(1);
      expect(stdout).toMatch(/^FAIL {5}7\.6 /m);
      expect(stdout).toContain(
        'expected {"type":"pong"}, and nothing for the type "unknown"; got close code 4400 (unknown type)',
      );
      expect(stdout).toMatch(/\n0 passed, 1 failed, 0 not run\n$/);
    },
  );

  test('prints one JSON document', TIMEOUT, async () => {
    await using tested = await startTested();
    const { stdout, status } = await run(tested.url, '--only', '7.4', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout) as Report).toEqual({
      url: `${tested.url}/`,
      wires: ['two-stage.v1', 'original'],
      rows: [
        {
          rule: '7.4',
          wire: 'two-stage.v1',
          title: 'ping: pong; pong: nothing',
          outcome: 'pass',
        },
      ],
      passed: 1,
      failed: 0,
      notRun: 0,
    });
  });

  test('prints how it is called, and ends with 0, when it is asked for help', async () => {
    const { stdout, stderr, status } = await run('--help');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^npm run conformance -- <http url> \[options\]\n/);
    expect(stdout).toMatch(/\n {2}--patience <ms> .*\n/);
    expect(stderr).toBe('');
  });

  test('ends with 2 for an option that is wrong', async () => {
    const { stderr, status } = await run('http://127.0.0.1:1', '--patience', 'long');
    expect(status).toBe(2);
    expect(stderr).toContain('--patience is long; expected a whole number from 1000.');
  });

  test('ends with 2 where there is no server', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.on('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { stderr, status } = await run(`http://127.0.0.1:${port}`);
    expect(status).toBe(2);
    expect(stderr).toBe(
      `connect ECONNREFUSED 127.0.0.1:${port}: is the server there, and are --login-path and --user right?\n`,
    );
  });

  test('ends with 2 where the login is refused', async () => {
    const server = createServer((_request, response) => response.writeHead(401).end('{}'));
    server.listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.on('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const { stderr, status } = await run(`http://127.0.0.1:${port}`);
    expect(status).toBe(2);
    expect(stderr).toBe(
      'expected a JWT from POST /login for ada; got 401: is the server there, and are --login-path and --user right?\n',
    );
  });

  test('ends with 2 for a secret that is not the server’s', TIMEOUT, async () => {
    await using tested = await startTested();
    const { stderr, status } = await run(tested.url, '--jwt-secret', 'another one');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^The secret .* is not what the server signs JWTs with/);
  });

  test('ends with 2 where there is no token route, or no socket', TIMEOUT, async () => {
    await using tested = await startTested();
    const noSocket = await run(tested.url, '--socket-path', '/nowhere');
    expect(noSocket.status).toBe(2);
    expect(noSocket.stderr).toContain('is --socket-path right?');
    const noRows = await run(tested.url, '--only', '99');
    expect(noRows.status).toBe(2);
    expect(noRows.stderr).toBe('No row is about 99.\n');
  });
});
