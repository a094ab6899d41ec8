import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { createAuthority } from './breakable-jwts.ts';
import { SETTINGS } from './breakable-settings.ts';
import { createSocket, type Served } from './breakable-socket.ts';
import type { Break } from './breaks.ts';

/** A server that follows the protocol, but for what is broken. */
export interface BreakableServer {
  readonly url: string;
  /** Stops gracefully; resolves when nothing is left. */
  stop(): Promise<void>;
  /** Stops at once. */
  close(): Promise<void>;
}

interface StoredToken {
  readonly user: string;
  readonly expiresAt: number;
}

type Verdict = { readonly user: string } | { readonly status: number; readonly message: string };

const json = (value: unknown): string => JSON.stringify(value);

/** Starts a server on a free port of 127.0.0.1. `secret` signs its JWTs. */
export async function startBreakableServer(
  broken: ReadonlySet<Break>,
  secret: string,
): Promise<BreakableServer> {
  const is = (name: Break): boolean => broken.has(name);
  const authority = createAuthority(is, secret, SETTINGS.jwtLife);
  const tokens = new Map<string, StoredToken>();
  const mintedAt = new Map<string, number[]>();
  const sockets = new Set<Served>();
  let isStopping = false;
  let refusals = 0;
  let origin = '';

  const count = (wanted: (socket: Served) => boolean): number => [...sockets].filter(wanted).length;

  function admits(from: string | undefined): boolean {
    if (from === undefined || from === origin) return true;
    if (is('admits origins that begin with ours') && from.startsWith(origin)) return true;
    return is('admits the origin null') && from === 'null';
  }

  /** A delay in ms with its headers; whoever is told it comes back soon. */
  function comeBack(status: 429 | 503): { delay: number; header: string | undefined } {
    const delay = 101 + Math.floor(Math.random() * 100);
    if (status === 503 && is('says no Retry-After with 503')) return { delay, header: undefined };
    if (status === 429 && is('says no Retry-After with 429')) return { delay, header: undefined };
    const round = is('rounds Retry-After down') ? Math.floor : Math.ceil;
    return { delay, header: String(round(delay / 1000)) };
  }

  function answer(response: ServerResponse, status: number, body: object): void {
    response.statusCode = status;
    response.setHeader('Content-Type', 'application/json');
    if (!is('lets tokens be cached')) response.setHeader('Cache-Control', 'no-store');
    if (status === 401 && !is('refuses JWTs without a challenge')) {
      response.setHeader('WWW-Authenticate', 'Bearer');
    }
    response.end(json(body));
  }

  const refuseRequest = (response: ServerResponse, status: number): void =>
    answer(response, status, { status: 0, message: STATUS_CODES[status] });

  function comeBackLater(response: ServerResponse, status: 429 | 503): void {
    const { delay, header } = comeBack(status);
    if (header !== undefined) response.setHeader('Retry-After', header);
    answer(response, status, {
      status: 0,
      message: STATUS_CODES[status],
      data: { retryAfter: delay },
    });
  }

  async function onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const from = request.headers.origin;
    if (!admits(from) && !is('admits foreign origins at the token route')) {
      refuseRequest(response, 403);
      return;
    }
    if (from !== undefined && !is('keeps pages from reading')) {
      response.setHeader('Access-Control-Allow-Origin', from);
      response.setHeader('Access-Control-Allow-Headers', 'Authorization');
      response.setHeader('Access-Control-Expose-Headers', 'Retry-After');
    }
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
      return;
    }
    if (pathname === '/login') {
      const { username } = JSON.parse(await bodyOf(request));
      answer(response, 200, { status: 1, data: { token: authority.issue(username) } });
      return;
    }
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const inQuery = searchParams.get('token');
    const jwt = bearer ?? (is('takes a JWT in the query') ? inQuery : null) ?? '';
    const identity = authority.verify(jwt);
    if (identity === undefined) refuseRequest(response, 401);
    else if (pathname === '/logout') {
      authority.revoke(jwt);
      for (const socket of sockets) {
        const isTheirs = socket.user === identity.user || is('ends everybody at a logout');
        if (socket.isReady && isTheirs && !is('ends nobody at a logout')) {
          socket.close(4401, 'logged out');
        }
      }
      answer(response, 200, { status: 1 });
    } else mint(response, identity.user);
  }

  function mint(response: ServerResponse, user: string): void {
    const now = Date.now();
    const recent = (mintedAt.get(user) ?? []).filter((at) => at > now - 60_000);
    mintedAt.set(user, recent);
    if (recent.length >= SETTINGS.tokensPerMinute) {
      comeBackLater(response, 429);
      return;
    }
    recent.push(now);
    let token = randomBytes(is('mints short tokens') ? 6 : 32).toString('base64url');
    if (is('mints tokens with padding')) token += '=';
    // Seconds are told from milliseconds where there are many of them.
    const life = is('says in seconds when a token expires') ? 900_000 : SETTINGS.tokenLife;
    tokens.set(token, { user, expiresAt: now + life });
    const unit = is('says in seconds when a token expires') ? 0.001 : 1;
    const data = {
      token,
      ...(!is('leaves expiresIn out') && { expiresIn: life * unit }),
      expiresAt: new Date(now + life).toISOString(),
      reusable: false,
      protocol: 'two-stage.v1',
    };
    answer(
      response,
      200,
      is('answers tokens without an envelope') ? { data } : { status: 1, data },
    );
  }

  /** Finds a token and spends it. */
  async function take(token: string): Promise<string | undefined> {
    const stored = tokens.get(token);
    if (is('finds and spends a token in two steps')) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (stored === undefined) return undefined;
    if (!is('spends no token')) tokens.delete(token);
    const isGood = stored.expiresAt > Date.now() || is('ignores the expiry of tokens');
    return isGood ? stored.user : undefined;
  }

  async function judge(request: IncomingMessage): Promise<Verdict> {
    const [path, query = ''] = (request.url ?? '').split('?');
    const lines = request.headersDistinct['sec-websocket-protocol'] ?? [];
    const read = is('reads one line of subprotocols') ? lines.slice(0, 1) : lines;
    const offered = read.flatMap((line) => line.split(','));
    const entries = offered.map((entry) => entry.trim()).filter((e) => e.startsWith('token.'));
    const found = [
      ...new URLSearchParams(query).getAll('token'),
      ...entries.map((entry) => entry.slice('token.'.length)),
    ];
    if (is('looks for the token in the query alone')) found.splice(0, entries.length);
    const [token] = is('takes the last of two tokens') ? found.slice(-1) : found;
    const isAlone = found.length === 1 || is('takes the last of two tokens');
    const shape = is('mints tokens with padding') ? /^[\w=-]{1,256}$/ : /^[\w-]{1,256}$/;
    const isShaped = token !== undefined && shape.test(token);

    const isOurPath = path === '/demo';
    if (!isOurPath && !is('looks at the path last')) return { status: 404, message: 'Not found' };
    if (!is('looks at the token before the origin') && !admits(request.headers.origin)) {
      if (token !== undefined && is('spends the token before it looks at the origin')) {
        tokens.delete(token);
      }
      return { status: 403, message: 'Forbidden' };
    }
    const waiting = count((socket) => !socket.isReady);
    const isFull = waiting >= SETTINGS.unauthenticated;
    if (isFull || (isStopping && !is('admits upgrades while it stops'))) {
      if (token !== undefined && is('spends the token when it is full')) tokens.delete(token);
      return { status: 503, message: 'Busy' };
    }
    if (request.headers['sec-websocket-version'] !== '13') {
      return { status: is('refuses other versions with 400') ? 400 : 426, message: 'Version' };
    }
    if (token !== undefined && !isShaped && is('answers a malformed token with 400')) {
      return { status: 400, message: 'Bad request' };
    }
    const user = isAlone && isShaped ? await take(token) : undefined;
    if (user === undefined) {
      const why = is('says why with 401') ? (isShaped ? 'unknown' : 'malformed') : 'Unauthorized';
      return { status: 401, message: why };
    }
    if (!admits(request.headers.origin)) return { status: 403, message: 'Forbidden' };
    if (!isOurPath) return { status: 404, message: 'Not found' };
    return { user };
  }

  function refuseUpgrade(socket: Duplex, status: number, message: string): void {
    const body = { status: 0, message };
    const lines = ['Connection: close', 'Content-Type: application/json'];
    if (status === 401 && !is('refuses upgrades without a challenge')) {
      lines.push('WWW-Authenticate: Bearer');
    }
    if (status === 426) lines.push('Sec-WebSocket-Version: 13');
    if (status === 503) {
      const { delay, header } = comeBack(503);
      if (header !== undefined) lines.push(`Retry-After: ${header}`);
      Object.assign(body, { data: { retryAfter: delay } });
    }
    refusals += 1;
    if (is('numbers its 401s')) lines.push(`X-Request-Id: ${refusals}`);
    lines.push(`Date: ${new Date().toUTCString()}`);
    lines.push(`Content-Length: ${Buffer.byteLength(json(body))}`);
    const statusLine = `HTTP/1.1 ${status} ${STATUS_CODES[status]}`;
    socket.end([statusLine, ...lines, '', json(body)].join('\r\n'));
  }

  function select(offered: Set<string>): string | false {
    const [first] = offered;
    if (is('names a wire that it does not speak')) return false;
    if (is('selects what is offered first')) return first ?? false;
    if (is('selects two-stage.v1 only when it is alone') && offered.size > 1) return false;
    return offered.has('two-stage.v1') ? 'two-stage.v1' : false;
  }

  function maxPayload(): number {
    if (is('closes a large frame with 1000')) return 0;
    return is('reads a first frame of any size') ? 2_097_152 : SETTINGS.maxFrame;
  }

  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxPayload(),
    skipUTF8Validation: is('closes what is not UTF-8 with 4400'),
    handleProtocols: select,
  });

  async function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    if (isStopping && is('leaves upgrades unanswered while it stops')) return;
    const verdict = await judge(request);
    if ('user' in verdict) {
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        serve(webSocket, socket, verdict.user);
      });
    } else if (verdict.status === 401 && is('opens a socket to refuse it')) {
      webSockets.handleUpgrade(request, socket, head, (webSocket) => webSocket.close(4401));
    } else refuseUpgrade(socket, verdict.status, verdict.message);
  }

  function serve(webSocket: WebSocket, socket: Duplex, user: string): void {
    const served = createSocket({
      is,
      webSocket,
      socket,
      user,
      verify: authority.verify,
      isFull: () => count((other) => other.isReady && other.user === user) >= SETTINGS.connections,
      endAll: () => {
        for (const other of sockets) other.close(4400, 'invalid');
      },
    });
    sockets.add(served);
    webSocket.on('close', () => sockets.delete(served));
  }

  const server = createServer((request, response) => {
    onRequest(request, response).catch(() => refuseRequest(response, 500));
  });
  server.on('upgrade', (request, socket, head) => {
    onUpgrade(request, socket, head).catch(() => socket.destroy());
  });
  let broadcasts = 0;
  const broadcast = setInterval(() => {
    broadcasts += 1;
    for (const socket of sockets) {
      if (socket.isReady || is('broadcasts to everybody')) {
        socket.say(`broadcast message ${broadcasts}`);
      }
    }
  }, SETTINGS.broadcastEvery);

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function close(): Promise<void> {
    clearInterval(broadcast);
    for (const socket of sockets) socket.terminate();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  return {
    url: origin,
    async stop() {
      isStopping = true;
      if (is('is gone at once when it stops')) {
        for (const socket of sockets) socket.close(1012, `retry-after=${sockets.size}`);
        return;
      }
      if (is('listens no more when it stops')) server.close();
      const isSame = is('tells everybody the same delays');
      const delay = (): number => (isSame ? 500 : Math.floor(Math.random() * 500));
      for (const socket of sockets) {
        const isTold = socket.isReady || is('tells unauthenticated sockets that it goes away');
        if (isTold && !is('does not say that it goes away')) {
          socket.goAway(delay(), SETTINGS.stop);
        }
        if (is('stops serving at once')) socket.stopServing();
      }
      const wait = is('ends before its own deadline') ? SETTINGS.stop / 3 : SETTINGS.stop;
      await new Promise((resolve) => setTimeout(resolve, wait));
      for (const socket of sockets) {
        const code = is('stops with 1001') ? 1001 : 1012;
        if (!socket.isReady && is('cuts unauthenticated sockets off at the stop')) {
          socket.terminate();
        }
        socket.close(code, `retry-after=${delay()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
      await close();
    },
    close,
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
