import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server that can be cut. */
export interface Link {
  /** Its `ws:` URL, with no path. */
  readonly url: string;
  /** Connections that got through to the server. */
  readonly connections: number;
  /** Destroys all connections of clients at once, as a network that fails does. */
  drop(): void;
  stop(): Promise<void>;
}

/** The plain one: whatever comes from one side goes to the other. */
export async function openRelay(upstream: { readonly url: string }): Promise<Link> {
  const { hostname, port } = new URL(upstream.url);
  const clients = new Set<Socket>();
  let connections = 0;
  const listener = createServer((client) => {
    connections += 1;
    clients.add(client);
    const server = connect(Number(port), hostname);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
    client.once('close', () => clients.delete(client));
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const drop = () => {
    for (const client of clients) client.destroy();
  };
  return {
    url: `ws://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    drop,
    async stop() {
      listener.close();
      drop();
      await once(listener, 'close');
    },
  };
}
