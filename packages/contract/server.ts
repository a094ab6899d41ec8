import type { Options, TokenContext } from '../core/src/index.ts';
import {
  FakeEnvironment,
  FakeWebSocket,
  originalAck,
  settle,
} from '../core/src/testing/fakes.test.util.ts';

export type Server = ReturnType<typeof createServer>;

/** A server, its token route, and the clock of its clients: nothing happens that the test does not do. */
export function createServer() {
  const world = new FakeEnvironment();
  const dialled: FakeWebSocket[] = [];
  const tokenCalls: TokenContext[] = [];
  const { now, random, after, page } = world;

  /** What a client of this server is made of; spread it to have other options, as new as inline ones. */
  const options = {
    url: 'wss://chat.test/',
    getToken: (context: TokenContext): string | Promise<string> =>
      `token-${tokenCalls.push(context)}`,
    initPayload: (): unknown => ({ type: 'jwt', token: 'jwt-1' }),
    environment: { now, random, after, page },
    WebSocket: class extends FakeWebSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        dialled.push(this);
      }
    },
  } satisfies Options;

  const last = () => dialled.at(-1) as FakeWebSocket;
  return {
    options,
    dialled,
    tokenCalls,
    last,
    live: () => dialled.filter((socket) => socket.live),
    advance: (ms: number) => world.advance(ms),
    /** Lets the client that came last through the rest of both stages. */
    async admit() {
      await settle();
      last().accept();
      await settle();
      last().say(originalAck);
    },
    /** Sends messages to the client that came last, all in one task. */
    send(...messages: unknown[]) {
      for (const message of messages) last().say(message);
    },
  };
}
