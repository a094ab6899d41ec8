import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Something between a connection and Redis. */
export interface Between {
  readonly url: string;
  /** How many connections were made to it. */
  readonly connections: number;
  /** Whether it closes connections as soon as they are made. Default false. */
  refuses: boolean;
  /** How often this was sent to Redis. */
  count(text: string): number;
  /** Closes every connection. */
  cut(): void;
}

/** Listens on a port of its own, and passes on what comes to the Redis of this address. */
export async function startBetween(redisUrl: string): Promise<Between> {
  const sockets = new Set<Socket>();
  const url = new URL(redisUrl);
  const { hostname, port } = url;
  let connections = 0;
  let sent = '';
  const server = createServer((socket) => {
    connections += 1;
    if (between.refuses) {
      socket.destroy();
      return;
    }
    const other = connect(Number(port) || 6379, hostname);
    socket.on('data', (chunk) => {
      sent += chunk;
    });
    socket.pipe(other).pipe(socket);
    for (const one of [socket, other]) {
      sockets.add(one);
      one.on('error', () => {});
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as { port: number }).port);
  const between: Between = {
    url: url.href,
    get connections() {
      return connections;
    },
    refuses: false,
    count: (text) => sent.split(text).length - 1,
    cut() {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
  };
  onTestFinished(() => {
    between.cut();
    server.close();
  });
  return between;
}
