import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { Duplex } from 'node:stream';

/** A way to a server that can be cut. */
export interface Link {
  /** Its `ws:` URL, with no path. */
  readonly url: string;
  /** Connections that got through to the server. */
  readonly connections: number;
  /** Destroys all connections of clients at once, as a network that fails does. */
  drop(): void;
  /** Destroys each of the next connections, this many, before anything has been said on it. */
  refuse(tries: number): void;
  stop(): Promise<void>;
}

/** The connections of a link's clients. */
export class Clients {
  readonly #open = new Set<Duplex>();
  #refusals = 0;

  /** Answers whether a new connection may go on; one that may not has been destroyed. */
  admit(client: Duplex): boolean {
    if (this.#refusals > 0) {
      this.#refusals -= 1;
      client.destroy();
      return false;
    }
    this.#open.add(client);
    client.once('close', () => this.#open.delete(client));
    return true;
  }

  drop(): void {
    for (const client of this.#open) client.destroy();
  }

  refuse(tries: number): void {
    this.#refusals += tries;
  }
}

/** The plain one: whatever comes from one side goes to the other. */
export async function openRelay(upstream: { readonly url: string }): Promise<Link> {
  const { hostname, port } = new URL(upstream.url);
  const clients = new Clients();
  let connections = 0;
  const listener = createServer((client) => {
    if (!clients.admit(client)) return;
    connections += 1;
    const server = connect(Number(port), hostname);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url: `ws://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    drop: () => clients.drop(),
    refuse: (tries) => clients.refuse(tries),
    async stop() {
      listener.close();
      clients.drop();
      await once(listener, 'close');
    },
  };
}
