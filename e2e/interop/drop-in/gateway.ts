import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocket, type WebSocketOptions } from '@two-stage-socket/core/websocket';
import {
  type Connection,
  createFirstFrameAuth,
  createTokenGate,
  memoryTokens,
  webSocketOptions,
} from '@two-stage-socket/demo-server';
import { WebSocket, WebSocketServer } from 'ws';
import { Clients, type Link } from './link.ts';

/** For both stages, each asked for every connection. */
export interface Credentials {
  getToken(): Promise<string>;
  initPayload(): object;
}

/** Both stages of the reference server, in front of a server that knows of neither. */
export interface Gateway extends Link {
  /** Tokens that were minted. */
  readonly minted: number;
  /** Upgrades that were asked for, those that were refused included. */
  readonly upgrades: number;
  /** Connections that became ready. */
  readonly connections: number;
  /** Mints a token for one upgrade, as the token route does. */
  mint(): Promise<string>;
  /** What the drop-in class needs here: for one that is made elsewhere, as by a page. */
  readonly credentials: Credentials;
  /** The drop-in class with the credentials of this gateway. */
  createClass(options?: WebSocketOptions): typeof globalThis.WebSocket;
}

/** What a gateway is in front of. */
export interface Upstream {
  /** Its `ws:` or `wss:` URL; the path and the query, less the token, are the client's. */
  readonly url: string;
  /** Sent with each upgrade to it, for a server with credentials of its own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The origins whose pages may connect. Default: none, which keeps browsers out. */
  readonly origins?: readonly string[];
  /** Which of the subprotocols offered is selected, and then offered to it. Default: the first. */
  readonly selectProtocol?: (offered: ReadonlySet<string>) => string | false;
}

const user = 'ada';
const anHour = 3_600_000;
const policy = { expiresIn: anHour, reusable: false };

/** Listens on a free port of 127.0.0.1, and on every path. */
export async function openGateway(upstream: Upstream): Promise<Gateway> {
  const { headers = {}, origins = [], selectProtocol } = upstream;
  const jwt = crypto.randomUUID();
  const tokens = memoryTokens();
  const clients = new Clients();
  const routes = new WeakMap<Connection, Route>();
  const counts = { minted: 0, upgrades: 0, connections: 0 };

  const webSockets = new WebSocketServer({
    ...webSocketOptions,
    handleProtocols: selectProtocol ?? (([first]) => first ?? false),
  });
  const authenticate = createFirstFrameAuth({
    async verify(given) {
      if (given !== jwt) throw new Error('The init payload is not that of this gateway');
      return { user, id: 'the only one', expiresAt: Date.now() + anHour };
    },
    onReady(connection) {
      counts.connections += 1;
      const route = routes.get(connection);
      if (route) route.server = relay(route.client, route.target, headers);
    },
    onMessage(connection, data) {
      const server = routes.get(connection)?.server;
      const send = () => server?.send(data as string | Buffer);
      if (server?.readyState === WebSocket.CONNECTING) server.once('open', send);
      else send();
    },
    // A library may be in a hurry, and is not what this server protects itself against.
    messagesPerSecond: 0,
    maxConnections: 0,
  });

  const http = createServer();
  http.on('connection', (tcp: Duplex) => clients.admit(tcp));
  http.on('upgrade', async (request, tcp, head) => {
    counts.upgrades += 1;
    const target = new URL(request.url ?? '/', upstream.url);
    const gate = createTokenGate({ tokens, origins, path: target.pathname });
    const admitted = await gate(request, tcp);
    if (!admitted) return;
    target.searchParams.delete('token');
    webSockets.handleUpgrade(request, tcp, head, (client) => {
      routes.set(authenticate(client, admitted), { client, target });
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');

  const mint = async () => {
    counts.minted += 1;
    return (await tokens.mint(user, policy)).token;
  };
  const credentials: Credentials = {
    getToken: mint,
    initPayload: () => ({ type: 'jwt', token: jwt }),
  };
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    get minted() {
      return counts.minted;
    },
    get upgrades() {
      return counts.upgrades;
    },
    get connections() {
      return counts.connections;
    },
    mint,
    drop: () => clients.drop(),
    refuse: (tries) => clients.refuse(tries),
    credentials,
    createClass: (options) => createWebSocket({ ...credentials, ...options }),
    async stop() {
      http.close();
      clients.drop();
      await once(http, 'close');
    },
  };
}

/** From a client to the upstream, which hears of it once the client is ready. */
interface Route {
  readonly client: WebSocket;
  readonly target: URL;
  server?: WebSocket;
}

/** Connects to the upstream for a client: what it sends and how either ends pass as they are. */
function relay(
  client: WebSocket,
  target: URL,
  headers: Readonly<Record<string, string>>,
): WebSocket {
  const server = new WebSocket(target, client.protocol || [], { headers });
  // A `close` follows, and passes the end on.
  server.on('error', () => {});
  server.on('message', (data, binary) => client.send(data, { binary }));
  endWith(client, server);
  endWith(server, client);
  return server;
}

/** Ends one of two WebSockets as the other has ended. */
function endWith(one: WebSocket, other: WebSocket): void {
  one.on('close', (code, reason) => {
    if (code === 1006) other.terminate();
    else if (code === 1005) other.close();
    else other.close(code, reason);
  });
}
