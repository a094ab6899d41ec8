import { randomUUID } from 'node:crypto';
import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Wrong } from '../contract.ts';

/** The token stage before a service that has none of its own, and the HTTP server that both are on. */
export interface Gate {
  readonly host: string;
  /** How many upgrades clients have asked for. */
  readonly upgrades: number;
  /** What an app gives as `getToken`: a token for one upgrade. */
  tokens(wrong?: Wrong): () => Promise<string>;
  /** Whether the token in an upgrade's URL is good; spends it. */
  admits(upgrade: IncomingMessage): boolean;
  /** Ends every connection at once, and listens no more. */
  kill(): Promise<void>;
  /** Listens again on the same port. */
  revive(): Promise<void>;
}

/** @param attach puts the service on each HTTP server, before that listens */
export async function openGate(attach: (http: HttpServer) => void): Promise<Gate> {
  const expiries = new Map<string, number>();
  const keys = new Set<string | undefined>();
  let port = 0;
  let kill = async () => {};

  const listen = async () => {
    const http = createServer();
    const open = new Set<Socket>();
    http.on('connection', (tcp) => {
      open.add(tcp);
      tcp.on('close', () => open.delete(tcp));
    });
    attach(http);
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
    port = (http.address() as AddressInfo).port;
    kill = () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        for (const tcp of open) tcp.destroy();
      });
  };
  await listen();

  return {
    host: `127.0.0.1:${port}`,
    get upgrades() {
      return keys.size;
    },
    tokens(wrong) {
      let lifetime = wrong === 'expired token' ? 0 : 60_000;
      return async () => {
        const token = randomUUID();
        if (wrong !== 'bad token') expiries.set(token, Date.now() + lifetime);
        lifetime = 60_000;
        return token;
      };
    },
    admits({ url = '', headers }) {
      // Node's WebSocket asks twice for what a 401 refuses, by the same key.
      keys.add(headers['sec-websocket-key']);
      const token = new URL(url, 'http://localhost').searchParams.get('token') ?? '';
      const expiresAt = expiries.get(token) ?? 0;
      expiries.delete(token);
      return Date.now() < expiresAt;
    },
    kill: () => kill(),
    revive: listen,
  };
}
