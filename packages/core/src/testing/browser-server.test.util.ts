import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { type WebSocket, WebSocketServer } from 'ws';
import { originalAck } from './fakes.test.util.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The server of the tests that run in a browser: its address, less the scheme. */
    server: string;
  }
}

/** What a text frame can ask of the server; any other frame is echoed. */
const orders: { readonly [order: string]: (ws: WebSocket, words: string[]) => void } = {
  close: (ws, [code, reason]) => ws.close(Number(code), reason),
  drop: (ws) => ws.terminate(),
};

/**
 * A server of the pattern for tests in a browser, which can start none: `/token` mints single-use tokens,
 * `/chat` wants one and then the JWT `good`, `/echo` wants neither. Both select the first subprotocol.
 */
export default async function setup(project: TestProject): Promise<() => void> {
  const unspent = new Set<string>();
  const http = createServer((_request, response) => {
    const token = `token-${Math.random()}`;
    unspent.add(token);
    response.writeHead(200, { 'Access-Control-Allow-Origin': '*' }).end(token);
  });
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });

  const serve = (ws: WebSocket) =>
    ws.on('message', (data, binary) => {
      const [order = '', ...words] = String(data).split(' ');
      if (orders[order]) orders[order](ws, words);
      else ws.send(data, { binary });
    });

  http.on('upgrade', (request, tcp, head) => {
    tcp.on('error', () => {});
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const isChat = pathname === '/chat';
    if (isChat && !unspent.delete(searchParams.get('token') ?? '')) {
      tcp.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
      return;
    }
    wss.handleUpgrade(request, tcp, head, (ws) => {
      if (!isChat) return serve(ws);
      ws.once('message', (frame) => {
        if (JSON.parse(String(frame)).token !== 'good') return ws.terminate();
        ws.send(originalAck);
        // In one packet with the ack, as far as this can say: a browser has both before it tells of either.
        ws.send(Buffer.from('welcome'));
        serve(ws);
      });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  project.provide('server', `127.0.0.1:${(http.address() as AddressInfo).port}`);
  return () => {
    for (const ws of wss.clients) ws.terminate();
    http.closeAllConnections();
    http.close();
  };
}
