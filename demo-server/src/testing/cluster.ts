import { randomBytes } from 'node:crypto';
import { openEntry } from '../../../scripts/cluster/entry.ts';
import { type ServerProcess, startServerProcess } from '../../../scripts/cluster/server-process.ts';
import { systemEnvironment } from '../environment.ts';
import { hs256Jwts, type Jwts } from '../jwt.ts';
import { TWO_STAGE } from '../wire.ts';
import { type Client, openClient } from './client.ts';
import type { TokenData } from './harness.ts';

/** One of the servers of a cluster: a process of its own. */
export interface Member {
  readonly url: string;
  /** Requests a path of it. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Posts with a bearer, and JSON if given. */
  post(path: string, bearer: string, body?: unknown): Promise<Response>;
  /** Has the operator do something, and resolves once it was done. */
  operate(path: string, body: unknown): Promise<void>;
  /** A token from its token route. */
  token(jwt: string): Promise<string>;
  /** A WebSocket with this token that has sent nothing yet. */
  open(token: string): Promise<Client>;
  /** A ready connection of its own on `two-stage.v1`; the ack was asked for. */
  ready(jwt: string): Promise<Client>;
  /** The value of a metric, by its name and labels as they are printed. */
  metric(name: string): Promise<number>;
  /** Resolves once `/ready` answers with this status. */
  becomes(status: number): Promise<void>;
  /** Ends it without a chance to say goodbye. */
  kill(): Promise<void>;
  /** Stops it gracefully, which takes a while, and starts it again. */
  restart(): Promise<void>;
}

/** Three servers in processes of their own, and an entry in front of them. */
export interface Cluster {
  readonly members: readonly [Member, Member, Member];
  /** Where the entry is. */
  readonly url: string;
  /** How many of the members the entry takes for ready: it looks ten times a second. */
  readonly ready: number;
  readonly jwts: Jwts;
  /** Ends everything. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster on this Redis. Limits on how much one user may do, heartbeat and individual
 * messages are off.
 *
 * @param variables further settings, by the names of their variables
 */
export async function startCluster(
  redisUrl: string,
  variables: Record<string, string> = {},
): Promise<Cluster> {
  const [secret, operatorToken] = [random(), random()];
  const start = (port = 0): Promise<ServerProcess> =>
    startServerProcess({
      PATH: process.env.PATH,
      PORT: String(port),
      TOKEN_STORE: redisUrl,
      JWT_SECRET: secret,
      OPERATOR_TOKEN: operatorToken,
      LOG_LEVEL: 'silent',
      HEARTBEAT: '0',
      INDIVIDUAL_EVERY: '0',
      TOKENS_PER_MINUTE: '0',
      ...variables,
    });
  const servers = await Promise.all([start(), start(), start()]);
  const entry = await openEntry({ host: '127.0.0.1', port: 0, interval: 100 });
  for (const { port } of servers) entry.add({ host: '127.0.0.1', port });
  function memberAt(index: 0 | 1 | 2): Member {
    return {
      ...reach(servers[index].url, operatorToken),
      async kill() {
        servers[index].kill('SIGKILL');
        await servers[index].exited;
      },
      async restart() {
        const { port, exited, kill } = servers[index];
        kill('SIGTERM');
        const end = await exited;
        if (end !== 0) throw new Error(`A server stopped with ${end}`);
        servers[index] = await start(port);
      },
    };
  }

  return {
    members: [memberAt(0), memberAt(1), memberAt(2)],
    url: `http://127.0.0.1:${entry.port}`,
    get ready() {
      return entry.ready;
    },
    jwts: hs256Jwts(new TextEncoder().encode(secret), systemEnvironment),
    async stop() {
      await entry.close();
      for (const server of servers) server.kill('SIGKILL');
      for (const server of servers) await server.exited;
    },
  };
}

const random = (): string => randomBytes(32).toString('base64url');

/** ms that a process may take to notice that its Redis is gone, or back. */
const PATIENCE = 8000;

function reach(url: string, operatorToken: string): Omit<Member, 'kill' | 'restart'> {
  const socketUrl = `${url.replace('http', 'ws')}/demo`;

  const request: Member['request'] = (path, init) => fetch(url + path, init);

  const post: Member['post'] = (path, bearer, body) =>
    request(path, {
      method: 'POST',
      headers: { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });

  async function token(jwt: string): Promise<string> {
    const response = await post('/token/ws', jwt);
    if (!response.ok) throw new Error(`The token route answered ${response.status}`);
    return ((await response.json()) as { data: TokenData }).data.token;
  }

  const open: Member['open'] = (value) => openClient(`${socketUrl}?token=${value}`, [TWO_STAGE]);

  return {
    url,
    request,
    post,
    token,
    open,
    async operate(path, body) {
      const { status } = await post(`/operator${path}`, operatorToken, body);
      if (status !== 200) throw new Error(`The operator was answered ${status}`);
    },
    async ready(jwt) {
      const client = await open(await token(jwt));
      client.sendJson({ type: 'jwt', token: jwt });
      const ack = (await client.nextJson()) as { type?: unknown };
      if (ack.type !== 'ready') throw new Error(`Expected the ack, not ${JSON.stringify(ack)}`);
      return client;
    },
    async metric(name) {
      const headers = { Authorization: `Bearer ${operatorToken}` };
      const lines = (await (await request('/metrics', { headers })).text()).split('\n');
      // A counter that was never increased is not printed.
      return Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length) ?? 0);
    },
    async becomes(status) {
      const end = performance.now() + PATIENCE;
      while ((await request('/ready')).status !== status) {
        if (performance.now() > end) throw new Error(`/ready did not become ${status} in time`);
      }
    },
  };
}
