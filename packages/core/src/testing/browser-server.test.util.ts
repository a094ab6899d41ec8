import type { TestProject } from 'vitest/node';
import type { WebSocket } from 'ws';
import { originalAck } from './fakes.test.util.ts';
import { openGate } from './gate.test.util.ts';

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
  const serve = (ws: WebSocket) =>
    ws.on('message', (data, binary) => {
      const [order = '', ...words] = String(data).split(' ');
      if (orders[order]) orders[order](ws, words);
      else ws.send(data, { binary });
    });
  const isChat = (path: string) => path === '/chat';

  const { host, http, mint, close } = await openGate({
    needsToken: isChat,
    onConnection(ws, path) {
      if (!isChat(path)) return serve(ws);
      ws.once('message', (frame) => {
        if (JSON.parse(String(frame)).token !== 'good') return ws.terminate();
        ws.send(originalAck);
        // In one packet with the ack, as far as this can say: a browser has both before it tells of either.
        ws.send(Buffer.from('welcome'));
        serve(ws);
      });
    },
  });
  http.on('request', (_request, response) => {
    response.writeHead(200, { 'Access-Control-Allow-Origin': '*' }).end(mint());
  });
  project.provide('server', host);
  return close;
}
