import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

/** A server that can be stopped, at its `ws:` URL with no path. */
export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1; `attach` has the connections served, as a library wants it. */
export async function serve(attach: (server: WebSocketServer) => void): Promise<Server> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  attach(server);
  await once(server, 'listening');
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const ws of server.clients) ws.terminate();
      server.close();
      await once(server, 'close');
    },
  };
}
