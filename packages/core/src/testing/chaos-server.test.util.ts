import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { createLine, type Refusal, type ServerLine, stampIn } from './chaos-line.test.util.ts';
import type { Random } from './chaos-random.test.util.ts';
import { type Session, secretMark } from './chaos-session.test.util.ts';
import { type Faults, misbehave, type World } from './chaos-world.test.util.ts';
import { v1 } from './fakes.test.util.ts';

export interface ChaosServer {
  readonly url: string;
  /** How many tokens each client was given. */
  readonly minted: ReadonlyMap<number, number>;
  /** What of the clients is still open here. */
  readonly open: { readonly requests: number; readonly sockets: number };
  /** Resolves once nothing is, or after `ms`. */
  idle(ms: number): Promise<void>;
  stop(): Promise<void>;
}

interface Minted {
  readonly session: Session;
  readonly isReusable: boolean;
  isSpent: boolean;
}

interface Exchange {
  readonly response: ServerResponse;
  readonly tcp: Socket;
  readonly random: Random;
  answer(): void;
  refuse(status: number, data?: object, headers?: { readonly [name: string]: string }): void;
}

interface Knock {
  readonly tcp: Socket;
  readonly random: Random;
  accept(protocols?: WebSocketServer): ServerLine | undefined;
  refuse(status: number): void;
}

const tokenFaults: Faults<Exchange> = {
  'token: 401': [1, (at) => at.refuse(401)],
  'token: 403': [0.5, (at) => at.refuse(403)],
  'token: 429 with retryAfter': [3, (at) => at.refuse(429, { retryAfter: at.random.int(0, 40) })],
  'token: 503 with Retry-After': [
    3,
    (at) => at.refuse(503, {}, { 'retry-after': at.random.chance(0.05) ? '1' : '0' }),
  ],
  'token: 500': [3, (at) => at.refuse(500)],
  'token: garbage': [3, ({ response }) => response.end('<html>{"data":')],
  'token: none in the answer': [2, ({ response }) => response.end('{"data":{"token":7}}')],
  'token: truncated answer': [
    3,
    ({ response, tcp }) => {
      response.writeHead(200, { 'content-length': '999' });
      response.write('{"data":{"token":"', () => tcp.destroy());
    },
  ],
  'token: hang': [2, () => {}],
  'token: slow': [3, (at) => void setTimeout(at.answer, at.random.int(20, 200))],
  'token: reset': [3, ({ tcp }) => tcp.resetAndDestroy()],
};

const upgradeFaults: Faults<Knock> = {
  'upgrade: 401': [3, (at) => at.refuse(401)],
  'upgrade: 403': [3, (at) => at.refuse(403)],
  'upgrade: 404': [3, (at) => at.refuse(404)],
  'upgrade: 503': [3, (at) => at.refuse(503)],
  'upgrade: garbage': [3, ({ tcp }) => void tcp.end('220 smtp.example.test ready\r\n\r\n')],
  'upgrade: hang': [2, () => {}],
  'upgrade: slow': [3, (at) => void setTimeout(at.accept, at.random.int(20, 200))],
  'upgrade: reset': [3, ({ tcp }) => tcp.resetAndDestroy()],
  'upgrade: accepted, then dropped': [3, (at) => at.accept()?.tear()],
};

const selecting = (protocol: string | false) =>
  new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) =>
      protocol && (offered.has(protocol) || protocol !== v1) && protocol,
  });
const lawful = selecting(v1);
const wrong = selecting('two-stage.v9');
const none = selecting(false);

/** Nothing of this can be seen where no subprotocol is offered. */
const offeredFaults: Faults<Knock> = {
  ...upgradeFaults,
  'upgrade: another subprotocol': [3, (at) => void at.accept(wrong)],
  'upgrade: no subprotocol': [3, (at) => void at.accept(none)],
};

/** A token route and a socket of the pattern, on which everything goes wrong that can. */
export async function serve(
  world: World,
  refusalOf: (client: number) => Refusal,
): Promise<ChaosServer> {
  const { judge } = world;
  const tokens = new Map<string, Minted>();
  const minted = new Map<number, number>();
  const chance = new Map<number, Random>();
  const requests = new Set<ServerResponse>();
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  let lines = 0;

  const randomOf = (client: number) => {
    const own = chance.get(client) ?? world.random.fork(`server ${client}`);
    chance.set(client, own);
    return own;
  };
  const track = <T extends ServerResponse | Socket>(open: Set<T>, one: T) => {
    open.add(one);
    one.once('close', () => {
      open.delete(one);
      if (!requests.size && !sockets.size) for (const done of waiting) done();
    });
  };

  const mint = (session: Session, random: Random) => {
    const token = `${secretMark}-token-${tokens.size}`;
    const isReusable = random.chance(0.4);
    tokens.set(token, { session, isReusable, isSpent: false });
    minted.set(session.client, (minted.get(session.client) ?? 0) + 1);
    const expiresIn = random.chance(0.1) ? random.int(1, 50) : 900_000;
    const protocol = session.client % 2 ? { protocol: v1 } : {};
    return { token, expiresIn, reusable: isReusable, ...protocol };
  };

  const http = createServer((request, response) => {
    track(requests, response);
    const session = judge.read(stampIn(request.headers.authorization), 'token request');
    if (!session) return response.end();
    const random = randomOf(session.client);
    const refuse: Exchange['refuse'] = (status, data, headers) => {
      response.writeHead(status, headers);
      response.end(JSON.stringify({ status: 0, message: 'refused', data }));
    };
    const answer = () => {
      if (response.destroyed) return;
      response.end(JSON.stringify({ status: 1, data: mint(session, random) }));
    };
    const at = { response, tcp: request.socket, random, answer, refuse };
    misbehave(world, random, refusalOf(session.client) ? 0 : 0.12, tokenFaults, at, answer);
  });

  http.on('upgrade', (request: IncomingMessage, tcp: Socket, head: Buffer) => {
    track(sockets, tcp);
    tcp.on('error', () => {});
    // A client that gives up while it waits.
    tcp.on('end', () => tcp.end());
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    const session = judge.read(searchParams.get('app'), 'upgrade');
    const token = tokenOf(request, searchParams);
    const found = tokens.get(token);
    judge.same(found?.session, session, 'token and upgrade');
    if (!session || !found) return tcp.destroy();

    const random = randomOf(session.client);
    const refuse = (status: number) =>
      void tcp.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\n\r\n`);
    const accept: Knock['accept'] = (protocols = lawful) => {
      if (tcp.destroyed) return undefined;
      let line: ServerLine | undefined;
      protocols.handleUpgrade(request, tcp, head, (ws) => {
        line = createLine(world, lines++, ws, session, random, refusalOf(session.client));
      });
      return line;
    };
    if (found.isSpent && !found.isReusable) return refuse(401);
    found.isSpent = true;
    const faults = request.headers['sec-websocket-protocol'] ? offeredFaults : upgradeFaults;
    const rate = refusalOf(session.client) ? 0 : 0.12;
    misbehave(world, random, rate, faults, { tcp, random, accept, refuse }, () => void accept());
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');

  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    minted,
    get open() {
      return { requests: requests.size, sockets: sockets.size };
    },
    async idle(ms) {
      if (!requests.size && !sockets.size) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
    async stop() {
      const closed = once(http, 'close');
      for (const tcp of sockets) tcp.destroy();
      http.close();
      http.closeAllConnections();
      await closed;
    },
  };
}

function tokenOf({ headers }: IncomingMessage, query: URLSearchParams): string {
  const offered = headers['sec-websocket-protocol']?.split(/,\s*/) ?? [];
  const inOffer = offered.find((protocol) => protocol.startsWith('token.'))?.slice(6);
  return query.get('token') ?? query.get('key') ?? inOffer ?? '';
}
