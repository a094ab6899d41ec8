import { get } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** Where a process listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What an entry is made of. */
export interface EntryOptions extends Address {
  /** ms between two looks at each process. Default 1000. */
  readonly interval?: number;
}

/** One address in front of several processes: what a load balancer is, as far as sockets notice. */
export interface Entry {
  /** The port it listens on. */
  readonly port: number;
  /** How many processes it takes for ready. */
  readonly ready: number;
  /** Sends connections to this process too, from now on. */
  add(address: Address): void;
  /** Stops listening and cuts every connection. Resolves when nothing is left. */
  close(): Promise<void>;
}

/** ms that a process may take to say whether it is ready: one that hangs is not. */
const READY_TIMEOUT = 1000;

interface Target extends Address {
  ready: boolean;
}

/**
 * Listens on an address and gives each connection to the next process that is ready, byte for byte.
 * One that refuses a connection, or does not answer `GET /ready` with 200, is passed over until it
 * does; where none is ready, each is tried, so that clients hear from a server what is wrong.
 * Rejects with the system's error, `EADDRINUSE` for a port that is taken.
 */
export async function openEntry({ host, port, interval = 1000 }: EntryOptions): Promise<Entry> {
  const targets: Target[] = [];
  const sockets = new Set<Socket>();
  let turn = 0;

  function inTurn(): Target[] {
    turn += 1;
    const rotated = targets.map((_, index) => targets[(turn + index) % targets.length] as Target);
    return [...rotated.filter(({ ready }) => ready), ...rotated.filter(({ ready }) => !ready)];
  }

  function track(socket: Socket): void {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  }

  function forward(client: Socket, [target, ...others]: Target[]): void {
    if (target === undefined) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ host: target.host, port: target.port, allowHalfOpen: true });
    server.setNoDelay(true);
    track(server);
    const abandon = (): void => void server.destroy();
    const next = (): void => {
      target.ready = false;
      client.off('close', abandon);
      forward(client, others);
    };
    client.once('close', abandon);
    server.once('error', next);
    server.once('connect', () => {
      client.off('close', abandon);
      server.off('error', next);
      pass(client, server);
      pass(server, client);
    });
  }

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    track(client);
    // Until there is a server to reset, there is nobody to tell.
    client.on('error', () => {});
    forward(client, inTurn());
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, host, resolve);
  });

  const closing = new AbortController();
  async function watch(target: Target): Promise<void> {
    const { signal } = closing;
    while (!signal.aborted) {
      await setTimeout(interval, undefined, { signal }).catch(() => {});
      if (!signal.aborted) target.ready = await isReady(target);
    }
  }

  return {
    port: (listener.address() as AddressInfo).port,
    get ready() {
      return targets.filter(({ ready }) => ready).length;
    },
    add({ host, port }) {
      const target = { host, port, ready: true };
      targets.push(target);
      void watch(target);
    },
    async close() {
      closing.abort();
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/**
 * Passes on what one side sends, no faster than the other takes it, and how it ends: the end of
 * what it sends, which leaves the other direction open, or a reset.
 */
function pass(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on('error', () => to.resetAndDestroy());
  from.on('close', () => {
    if (!from.readableEnded) to.destroy();
  });
  // Passed on above, by the other direction.
  to.on('error', () => {});
}

/** What load balancers ask. */
function isReady({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      { host, port, path: '/ready', agent: false, timeout: READY_TIMEOUT },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}
