import { createFakeServer, type FakeConnection } from '../core/src/testing.ts';

export type Server = ReturnType<typeof createServer>;

/** A connection as its client has dialled it. */
interface Dialled {
  readonly url: string;
  /** Whether neither side has let go of it. */
  readonly live: boolean;
  accept(): void;
  /** Sends an ack, or else a message of the application. */
  say(message: unknown): void;
  /** Ends it, with no close frame where there is no code. */
  drop(code?: number): void;
}

/** A server, its token route, and the clock of its clients: nothing happens that the test does not do. */
export function createServer() {
  const server = createFakeServer<any, any>({ wire: 'original', url: 'wss://chat.test/' });

  const toDialled = (connection: FakeConnection<any, any>): Dialled => ({
    url: connection.url,
    get live() {
      return connection.end === undefined;
    },
    accept: connection.accept,
    say: (message) =>
      connection.status === 'ready' ? connection.say(message) : connection.ack(message as string),
    drop: (code) => (code ? connection.close(code) : connection.drop()),
  });

  return {
    /** What a client of this server is made of; spread it to have other options, as new as inline ones. */
    options: server.options,
    get dialled() {
      return server.connections.map(toDialled);
    },
    get tokenCalls() {
      return server.tokenRequests;
    },
    last: () => toDialled(server.last()),
    live: () => server.live().map(toDialled),
    advance: server.advance,
    /** Lets the client that came last through the rest of both stages. */
    admit: server.admit,
    /** Sends messages to the client that came last, all in one task. */
    send: (...messages: unknown[]) => server.last().say(...messages),
  };
}
