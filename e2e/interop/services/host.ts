import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** An HTTP server on 127.0.0.1 that ends as a crash would have it, and comes back where it was. */
export interface Host {
  readonly host: string;
  /** How many upgrades clients have asked for. */
  readonly upgrades: number;
  /** Ends every connection at once, and listens no more. */
  kill(): Promise<void>;
  /** Listens again on the same port. */
  revive(): Promise<void>;
}

/** @param attach puts what is served on each HTTP server, before that listens */
export async function openHost(attach: (http: HttpServer) => void): Promise<Host> {
  const keys = new Set<string | undefined>();
  let port = 0;
  let kill = async () => {};

  const revive = async () => {
    const http = createServer();
    const open = new Set<Socket>();
    http.on('connection', (tcp) => {
      open.add(tcp);
      tcp.on('close', () => open.delete(tcp));
    });
    // Node's WebSocket asks twice for what a 401 refuses, by the same key.
    http.on('upgrade', ({ headers }) => keys.add(headers['sec-websocket-key']));
    attach(http);
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
    port = (http.address() as AddressInfo).port;
    kill = () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        for (const tcp of open) tcp.destroy();
      });
  };
  await revive();

  return {
    host: `127.0.0.1:${port}`,
    get upgrades() {
      return keys.size;
    },
    kill: () => kill(),
    revive,
  };
}
