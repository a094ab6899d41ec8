import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createFrameReader } from './frames.ts';

/** A WebSocket that went through the gateway. */
export interface Connection {
  /** The token in its URL. */
  readonly token: string | null;
  /** The text frames of the page, and those for it. */
  readonly sent: readonly string[];
  readonly received: readonly string[];
}

/**
 * The origin of the pages, before their server. It sees what every engine sends, as no two drivers
 * would tell it, and gives pages their scripts, as one of the drivers could not.
 */
export interface Gateway {
  readonly url: string;
  /** Where everything goes. */
  target: string;
  /** Run in pages before their own scripts, from their next load on. */
  scripts: readonly (() => void)[];
  /** Which half of an upgrade loses its subprotocols on the way. */
  losesSubprotocols: 'request' | 'answer' | undefined;
  /** Every WebSocket, every token and every JWT since the last `reset`. */
  readonly connections: readonly Connection[];
  readonly tokens: readonly string[];
  readonly jwts: readonly string[];
  /** Holds back what the WebSockets carry that are open; what it returns lets all of it go on. */
  hold(): () => void;
  /** Carries nothing any more over the WebSockets that are open, and tells nobody. */
  silence(): void;
  reset(): void;
  stop(): void;
}

/** A page of its own to go to, with nothing on it. */
export const elsewhere = '/elsewhere';
const script = '/gateway.js';
const blank = '<!doctype html><link rel="icon" href="data:,"><title>Elsewhere</title>';

/** Where the server gives out what the tests look at, and where that is kept. */
const secretRoutes: Readonly<Record<string, 'tokens' | 'jwts'>> = {
  '/token/ws': 'tokens',
  '/login': 'jwts',
};

/** A server's answer to an upgrade, up to its end. */
const headEnd = '\r\n\r\n';

export async function startGateway(): Promise<Gateway> {
  let connections: Connection[] = [];
  let secrets: Record<'tokens' | 'jwts', string[]> = { tokens: [], jwts: [] };
  const silenced = new WeakSet<Duplex>();
  const open = new Set<Duplex>();

  const server = createServer((asked, answer) => {
    const { pathname } = new URL(asked.url ?? '', gateway.url);
    if (pathname === elsewhere) {
      // As the server's pages: WebKit changes processes otherwise, and its driver does not follow back.
      answer.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      answer.setHeader('Content-Type', 'text/html').end(blank);
    } else if (pathname === script) {
      answer.setHeader('Content-Type', 'text/javascript');
      answer.end(gateway.scripts.map((each) => `(${each})();\n`).join(''));
    } else forward(asked, answer, pathname);
  });

  const forward = (asked: IncomingMessage, answer: ServerResponse, pathname: string) => {
    const { method } = asked;
    // What is read on the way must come whole, and as text.
    const { 'accept-encoding': _, 'if-none-match': __, ...headers } = asked.headers;
    const options = { method, headers, agent: false };
    const onward = request(new URL(asked.url ?? '', gateway.target), options, async (given) => {
      const { statusCode = 502, headers } = given;
      const isPage = headers['content-type']?.startsWith('text/html');
      const kept = secretRoutes[pathname];
      if (!isPage && !kept) {
        answer.writeHead(statusCode, headers);
        given.pipe(answer);
        return;
      }
      // Those of a test that is over are none of the next one's.
      const list = kept && secrets[kept];
      const content = await text(given);
      if (list && statusCode === 200) list.push(JSON.parse(content).data.token);
      const { 'content-length': ___, ...others } = headers;
      answer.writeHead(statusCode, others);
      answer.end(
        isPage ? content.replace('<head>', `$&<script src="${script}"></script>`) : content,
      );
    });
    // A server that is down looks the same through here.
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    asked.pipe(onward);
  };

  server.on('upgrade', ({ method, url, rawHeaders }: IncomingMessage, client: Duplex, head) => {
    const { hostname, port, searchParams } = new URL(url ?? '', gateway.target);
    const sent: string[] = [];
    const received: string[] = [];
    connections.push({ token: searchParams.get('token'), sent, received });
    const loss = gateway.losesSubprotocols;
    const onward = connect({ host: hostname, port: Number(port) });
    open.add(client).add(onward);

    const lines = rawHeaders.flatMap((name, i) => (i % 2 ? [] : [`${name}: ${rawHeaders[i + 1]}`]));
    const ask = [`${method} ${url} HTTP/1.1`, ...lines].join('\r\n') + headEnd;
    onward.write(loss === 'request' ? withoutSubprotocols(ask) : ask);
    onward.write(head);

    const readSent = createFrameReader(sent);
    client.on('data', (chunk) => {
      if (silenced.has(client)) return;
      readSent(chunk);
      onward.write(chunk);
    });
    const readReceived = createFrameReader(received);
    let answer: string | undefined = '';
    onward.on('data', (chunk) => {
      if (silenced.has(client)) return;
      if (answer === undefined) {
        readReceived(chunk);
        client.write(chunk);
        return;
      }
      answer += chunk.toString('latin1');
      const end = answer.indexOf(headEnd) + headEnd.length;
      if (end < headEnd.length) return;
      const told = answer.slice(0, end);
      const rest = Buffer.from(answer.slice(end), 'latin1');
      answer = undefined;
      client.write(loss === 'answer' ? withoutSubprotocols(told) : told);
      readReceived(rest);
      client.write(rest);
    });
    for (const [one, other] of [
      [client, onward],
      [onward, client],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => {
        open.delete(one);
        if (one === client || !silenced.has(client)) other.destroy();
      });
    }
  });

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const gateway: Gateway = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: '',
    scripts: [],
    losesSubprotocols: undefined,
    get connections() {
      return connections;
    },
    get tokens() {
      return secrets.tokens;
    },
    get jwts() {
      return secrets.jwts;
    },
    hold() {
      const held = [...open];
      for (const side of held) side.pause();
      return () => {
        for (const side of held) side.resume();
      };
    },
    silence() {
      for (const side of open) silenced.add(side);
    },
    reset() {
      connections = [];
      secrets = { tokens: [], jwts: [] };
      gateway.losesSubprotocols = undefined;
    },
    stop() {
      for (const side of open) side.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
  return gateway;
}

const withoutSubprotocols = (head: string): string =>
  head.replace(/\r\nsec-websocket-protocol:[^\r]*/gi, '');
