import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchToken, TwoStageSocket } from '@two-stage-socket/core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Client, openClient } from '../../demo-server/src/testing/client.ts';

const ORIGIN = 'https://app.example';

/** What to expect of an example, which answers `hi` of ada's with `heard`. */
const examples = [
  { name: 'express', path: '/chat', heard: 'ada: hi' },
  { name: 'fastify', path: '/news', heard: 'echo: hi' },
];

/** Starts an example as its README does, on a free port. */
async function start(name: string) {
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`)], {
    env: { PATH: process.env.PATH, PORT: '0', ORIGINS: ORIGIN },
  });
  let out = '';
  let error = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    error += chunk;
  });
  const exited = once(child, 'close').then(([code]) => ({ code, error }));
  while (!out.includes('\n')) {
    await Promise.race([once(child.stdout, 'data'), exited]);
    if (child.exitCode !== null) throw new Error(`${name} did not start: ${error}`);
  }
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(out)?.[0] ?? '';

  function request(path: string, jwt?: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...(jwt && { Authorization: `Bearer ${jwt}` }), ...init.headers };
    return fetch(url + path, { method: 'POST', ...init, headers });
  }

  async function data(answer: Response): Promise<{ token: string; [member: string]: unknown }> {
    expect(answer.status).toBe(200);
    return ((await answer.json()) as { data: { token: string } }).data;
  }

  return {
    child,
    exited,
    url,
    request,
    data,
    async login(user: string): Promise<string> {
      const body = JSON.stringify({ username: user, password: user });
      const headers = { 'Content-Type': 'application/json' };
      return (await data(await request('/login', undefined, { body, headers }))).token;
    },
    /** Opens a WebSocket with a token of this JWT's user. */
    async open(path: string, jwt: string, protocols: string[] = []): Promise<Client> {
      const { token } = await data(await request('/token/ws', jwt));
      return openClient(`${url.replace('http', 'ws')}${path}?token=${token}`, protocols);
    },
  };
}

describe.each(examples)('$name', ({ name, path, heard }) => {
  let server: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    server = await start(name);
  });
  afterAll(async () => {
    server.child.kill('SIGKILL');
    await server.exited;
  });

  const socketAt = (target: string): string => server.url.replace('http', 'ws') + target;

  test('what was there before goes on working', async () => {
    const jwt = await server.login('ada');
    const me = await server.request('/me', jwt, { method: 'GET' });
    expect(await me.json()).toEqual({ status: 1, data: { user: 'ada' } });
    const body = JSON.stringify({ username: 'ada', password: 'bob' });
    const headers = { 'Content-Type': 'application/json' };
    expect((await server.request('/login', undefined, { body, headers })).status).toBe(401);
  });

  test('POST /token/ws mints a token for who has a JWT, and no other method does', async () => {
    const method = 'POST';
    const jwt = await server.login('ada');
    for (const other of ['HEAD', 'PUT', 'DELETE']) {
      expect((await server.request('/token/ws', jwt, { method: other })).status).toBe(404);
    }
    const answer = await server.request('/token/ws', jwt, { method });
    expect(answer.headers.get('Cache-Control')).toBe('no-store');
    expect(answer.headers.get('Content-Type')).toBe('application/json; charset=utf-8');
    expect(await server.data(answer)).toEqual({
      token: expect.stringMatching(/^[\w-]{43}$/),
      expiresIn: 900_000,
      expiresAt: expect.any(String),
      reusable: false,
      protocol: 'two-stage.v1',
    });
    const refused = await server.request('/token/ws', `${jwt}x`, { method });
    expect([refused.status, refused.headers.get('WWW-Authenticate')]).toEqual([401, 'Bearer']);
    expect((await server.request('/token/ws', undefined, { method })).status).toBe(401);
  });

  test('pages of the allow-list can use the token route, others cannot', async () => {
    const jwt = await server.login('ada');
    const from = (origin: string, method: string, bearer?: string): Promise<Response> =>
      server.request('/token/ws', bearer, { method, headers: { Origin: origin } });
    for (const answer of [
      await from(ORIGIN, 'OPTIONS'),
      await from(ORIGIN, 'POST', jwt),
      // So that a page can tell that it needs another JWT.
      await from(ORIGIN, 'POST', 'bad'),
    ]) {
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
    }
    expect((await from(ORIGIN, 'OPTIONS')).status).toBe(204);
    expect((await from('https://foreign.example', 'POST', jwt)).status).toBe(403);
    expect((await from('https://foreign.example', 'OPTIONS')).status).toBe(403);
  });

  test('an upgrade takes the right path, an origin of the list, and a token, once', async () => {
    const { token } = await server.data(
      await server.request('/token/ws', await server.login('ada')),
    );
    const refusal = (target: string, headers = {}): Promise<unknown> =>
      openClient(socketAt(target), [], headers).catch((error: unknown) => error);
    const foreign = { Origin: 'https://foreign.example' };
    expect(await refusal(`/other?token=${token}`)).toMatchObject({ status: 404 });
    expect(await refusal(`${path}?token=${token}`, foreign)).toMatchObject({ status: 403 });
    expect(await refusal(path)).toMatchObject({ status: 401 });
    expect(await refusal(`${path}?token=${'A'.repeat(43)}`)).toMatchObject({ status: 401 });
    const client = await openClient(socketAt(`${path}?token=${token}`), [], { Origin: ORIGIN });
    client.socket.close();
    expect(await refusal(`${path}?token=${token}`)).toMatchObject({ status: 401 });
  });

  test('two-stage.v1: a JWT in the first frame, the ack, a message', async () => {
    const jwt = await server.login('ada');
    const client = await server.open(path, jwt, ['two-stage.v1']);
    expect(client.socket.protocol).toBe('two-stage.v1');
    client.sendJson({ type: 'jwt', token: jwt });
    const ack = (await client.nextJson()) as { expiresIn: number };
    expect(ack).toMatchObject({ type: 'ready', user: 'ada', heartbeat: 25_000 });
    // An hour, less the second that JWTs count in and the time it took.
    expect(ack.expiresIn).toBeGreaterThan(3_500_000);
    expect(ack.expiresIn).toBeLessThanOrEqual(3_600_000);
    client.sendJson({ type: 'message', data: 'hi' });
    expect(await client.nextJson()).toEqual({ type: 'message', data: heard });
    client.socket.close();
    await client.closed;
  });

  test('the original wire: a JWT in the first frame, the ack, a message', async () => {
    const jwt = await server.login('ada');
    const client = await server.open(path, jwt);
    client.sendJson({ type: 'jwt', token: jwt });
    expect(await client.next()).toBe('authentication successful');
    client.send('hi');
    expect(await client.next()).toBe(heard);
    client.socket.close();
    await client.closed;
  });

  test('who has not sent a good JWT is sent nothing, whatever the others say', async () => {
    const [ada, bob] = [await server.login('ada'), await server.login('bob')];
    const silent = await server.open(path, ada, ['two-stage.v1']);
    const wrong = await server.open(path, ada, ['two-stage.v1']);
    const forged = await server.open(path, ada, ['two-stage.v1']);
    const member = await server.open(path, ada);
    member.sendJson({ type: 'jwt', token: ada });
    member.send('hi');
    expect([await member.next(), await member.next()]).toEqual([
      'authentication successful',
      heard,
    ]);

    wrong.sendJson({ type: 'jwt', token: bob });
    expect(await wrong.closed).toEqual({ code: 4403, reason: 'forbidden' });
    forged.sendJson({ type: 'jwt', token: `${ada}x` });
    expect(await forged.closed).toEqual({ code: 4401, reason: 'unauthorized' });
    await silent.roundTrip();
    for (const { frames } of [silent, wrong, forged]) expect(frames).toEqual([]);
    for (const { socket } of [silent, member]) socket.terminate();
  });

  test('the client of this repository gets through both stages, and is answered', async () => {
    const jwt = await server.login('ada');
    const socket = new TwoStageSocket<string, string>({
      url: socketAt(path),
      getToken: fetchToken(`${server.url}/token/ws`, {
        headers: { Authorization: `Bearer ${jwt}` },
      }),
      initPayload: { type: 'jwt', token: jwt },
    });
    onTestFinished(() => socket.close());
    const ready = new Promise((resolve) => socket.on('ready', resolve));
    const message = new Promise((resolve) => socket.on('message', resolve));
    const failed = new Promise((_, reject) => socket.on('error', reject));
    socket.connect();
    socket.send('hi');
    expect(await Promise.race([ready, failed])).toMatchObject({ wire: 'two-stage.v1' });
    expect(await Promise.race([message, failed])).toBe(heard);
  });
});

test.each(examples)('$name lets its clients move when it is stopped', async ({ name, path }) => {
  const { child, exited, login, open } = await start(name);
  onTestFinished(() => void child.kill('SIGKILL'));
  const jwt = await login('ada');
  const client = await open(path, jwt, ['two-stage.v1']);
  client.sendJson({ type: 'jwt', token: jwt });
  await client.nextJson();
  const original = await open(path, jwt);
  child.kill('SIGTERM');
  expect(await client.nextJson()).toMatchObject({ type: 'going-away', deadline: 5000 });
  const { code, reason } = await original.closed;
  expect([code, reason]).toEqual([1012, expect.stringMatching(/^retry-after=\d+$/)]);
  client.socket.close();
  expect(await exited).toEqual({ code: 0, error: '' });
});

test.each(examples)('the README shows what $name took: under 20 lines', async ({ name }) => {
  const read = (file: string): Promise<string> => readFile(join(import.meta.dirname, file), 'utf8');
  const [readme, source] = [await read('README.md'), await read(`${name}.ts`)];
  const heading = `\n## ${name[0]?.toUpperCase()}${name.slice(1)}\n`;
  const [, section = ''] = readme.split(heading);
  const [, diff = ''] = /^\n```diff\n(.*?)\n```/s.exec(section) ?? [];
  const lines = (mark: string): string[] =>
    diff.split('\n').flatMap((line) => (line.startsWith(mark) ? [line.slice(1)] : []));

  const added = lines('+').filter((line) => !line.startsWith('//'));
  expect(added.length).toBeGreaterThan(0);
  expect(added.length).toBeLessThan(20);
  const code = source.split('\n');
  expect(lines('+').filter((line) => !code.includes(line))).toEqual([]);
  // A line of brackets may be another's.
  const removed = lines('-').filter((line) => /\w/.test(line));
  expect(removed.filter((line) => code.includes(line))).toEqual([]);
});
