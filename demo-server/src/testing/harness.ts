import { EventEmitter, once } from 'node:events';
import { expect, onTestFinished } from 'vitest';
import { createLog } from '../log.ts';
import { createDemoServer, type DemoServer, type ServerOptions } from '../server.ts';
import type { Settings } from '../settings.ts';
import { TWO_STAGE } from '../wire.ts';
import { type Client, openClient } from './client.ts';
import { type FakeEnvironment, fakeEnvironment } from './fake-environment.ts';

/** The data of the token route's answer. */
export interface TokenData {
  readonly token: string;
  readonly expiresIn: number;
  readonly expiresAt: string;
  readonly reusable: boolean;
  readonly protocol?: string;
}

/** A server for one test, on a free port, in fake time, gone when the test is. */
export interface Harness {
  readonly server: DemoServer;
  readonly environment: FakeEnvironment;
  /** Every line that was logged. */
  readonly logs: string[];
  /** Resolves once a line with this in it has been logged. */
  logged(text: string): Promise<void>;
  /** Requests a path of the server. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Posts JSON, with a JWT if given. */
  post(path: string, body?: unknown, jwt?: string): Promise<Response>;
  /** A JWT of one of the demo's users. */
  login(user: string): Promise<string>;
  /** A token from the token route. */
  token(jwt: string): Promise<TokenData>;
  /** The socket's address with a token in it. */
  address(token: string): string;
  /** An open WebSocket that has sent nothing yet. */
  open(jwt: string, protocols?: string[]): Promise<Client>;
  /** A ready connection on `two-stage.v1`; its ack was asked for. */
  ready(jwt: string): Promise<Client>;
  /** A ready connection on the original wire; its ack was asked for. */
  readyOriginal(jwt: string): Promise<Client>;
}

/** Pipelines and heartbeat are off unless a test is about them. */
const quiet: Partial<Settings> = {
  port: 0,
  heartbeat: 0,
  broadcastEvery: 0,
  individualEvery: 0,
  jwtSecret: 'a secret of the tests, which has more than 32 bytes',
};

/**
 * Starts a server for the running test. When the test is over it also holds SECURITY's S11 against
 * everything the test made the server log, so that the whole suite is that row's test.
 */
export async function startServer(
  settings: Partial<Settings> = {},
  options: Omit<ServerOptions, 'log'> & { environment?: FakeEnvironment } = {},
): Promise<Harness> {
  const { environment = fakeEnvironment() } = options;
  const logs: string[] = [];
  const logging = new EventEmitter();
  const secrets = new Set<string>();
  const server = createDemoServer(
    { ...quiet, ...settings },
    {
      ...options,
      environment,
      log: createLog('trace', {
        write(line) {
          logs.push(line);
          logging.emit('line');
        },
      }),
    },
  );
  await server.listen();
  onTestFinished(async () => {
    await server.close();
    expect(environment.armed).toBe(0);
    for (const secret of secrets) expect(logs.join('')).not.toContain(secret);
  });

  async function logged(text: string): Promise<void> {
    while (!logs.some((line) => line.includes(text))) await once(logging, 'line');
  }

  const request = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(server.url + path, init);

  const post: Harness['post'] = (path, body, jwt) =>
    request(path, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...(jwt !== undefined && { Authorization: `Bearer ${jwt}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });

  async function data<T>(response: Response): Promise<T> {
    expect(response.status).toBe(200);
    return ((await response.json()) as { data: T }).data;
  }

  async function login(user: string): Promise<string> {
    const answer = await post('/login', { username: user, password: user });
    const { token } = await data<{ token: string }>(answer);
    secrets.add(token);
    // The signature alone is enough to complete a JWT whose claims can be guessed.
    secrets.add(token.slice(token.lastIndexOf('.') + 1));
    return token;
  }

  async function token(jwt: string): Promise<TokenData> {
    const minted = await data<TokenData>(await post('/token/ws', undefined, jwt));
    secrets.add(minted.token);
    return minted;
  }

  const address = (value: string): string => `${server.socketUrl}?token=${value}`;

  async function open(jwt: string, protocols: string[] = []): Promise<Client> {
    return openClient(address((await token(jwt)).token), protocols);
  }

  async function ready(jwt: string): Promise<Client> {
    const client = await open(jwt, [TWO_STAGE]);
    client.sendJson({ type: 'jwt', token: jwt });
    expect(await client.nextJson()).toMatchObject({ type: 'ready' });
    return client;
  }

  async function readyOriginal(jwt: string): Promise<Client> {
    const client = await open(jwt);
    client.sendJson({ type: 'jwt', token: jwt });
    expect(await client.next()).toBe('authentication successful');
    return client;
  }

  return {
    server,
    environment,
    logs,
    logged,
    request,
    post,
    login,
    token,
    address,
    open,
    ready,
    readyOriginal,
  };
}
