import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';

/** The first stage of a real server: single-use tokens, and an upgrade that wants one. */
export interface Gate {
  /** Its address, less the scheme. */
  readonly host: string;
  readonly http: Server;
  /** Every connection that was let through, oldest first. */
  readonly connections: WebSocket[];
  mint(): string;
  close(): void;
}

export async function openGate({
  handleProtocols,
  admit = () => true,
  needsToken = () => true,
  onConnection,
}: {
  /** Which subprotocol is selected; the first one, if not said. */
  readonly handleProtocols?: ServerOptions['handleProtocols'];
  /** Whether the gate goes on with an upgrade; who says no answers it. */
  readonly admit?: (request: IncomingMessage, tcp: Duplex) => boolean;
  readonly needsToken?: (path: string) => boolean;
  readonly onConnection: (ws: WebSocket, path: string) => void;
}): Promise<Gate> {
  const unspent = new Set<string>();
  const connections: WebSocket[] = [];
  const http = createServer();
  const wss = new WebSocketServer({ noServer: true, ...(handleProtocols && { handleProtocols }) });

  http.on('upgrade', (request, tcp, head) => {
    tcp.on('error', () => {});
    if (!admit(request, tcp)) return;
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    if (needsToken(pathname) && !unspent.delete(searchParams.get('token') ?? '')) {
      tcp.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
      return;
    }
    wss.handleUpgrade(request, tcp, head, (ws) => {
      connections.push(ws);
      onConnection(ws, pathname);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));

  return {
    host: `127.0.0.1:${(http.address() as AddressInfo).port}`,
    http,
    connections,
    mint() {
      const token = `token-${Math.random()}`;
      unspent.add(token);
      return token;
    },
    close() {
      for (const ws of wss.clients) ws.terminate();
      http.closeAllConnections();
      http.close();
    },
  };
}
