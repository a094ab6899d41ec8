import { createFakeBackend, formatTimes } from './fake-backend.ts';
import type { Peer } from './fake-connection.ts';
import { FakeEnvironment } from './fake-environment.ts';
import type { FakeBackend, FakeBackendOptions } from './fake-types.ts';
import { FakeWebSocket } from './fake-websocket.ts';
import type { Context, Options, Token, TokenContext, WebSocketConstructor } from './types.ts';

export interface FakeServerOptions<Incoming = unknown, Outgoing = unknown>
  extends FakeBackendOptions<Incoming, Outgoing> {
  /** Where clients connect to. Default `wss://fake.test/`. */
  readonly url?: string | undefined;
  /** Whether it acts by itself from the start: see `auto` of the server. Default false. */
  readonly auto?: boolean | undefined;
  /** Whether there is an init stage. Default true; without one, a connection is ready when it is accepted. */
  readonly init?: boolean | undefined;
  /**
   * Whose time its clients live by: `own`, which only `advance` moves on, or the `global` one, for the fake
   * timers of vitest and jest. Default `own`.
   */
  readonly time?: 'own' | 'global' | undefined;
}

/** The options of a client of a fake server. */
export interface FakeClientOptions<Incoming = unknown, Outgoing = unknown>
  extends Options<Incoming, Outgoing> {
  readonly url: string;
  readonly getToken: (context: TokenContext) => Promise<Token>;
  readonly initPayload?: (context: Context) => object;
  readonly WebSocket: WebSocketConstructor;
}

export interface FakeServer<Incoming = unknown, Outgoing = unknown>
  extends FakeBackend<Incoming, Outgoing> {
  /**
   * What makes a socket its client: give it to `TwoStageSocket`, `createWebSocket` or an adapter, as it is or
   * spread beside others. Its init payloads are `{ type: 'jwt', token: 'jwt-1' }`, then `jwt-2`, and so on.
   */
  readonly options: FakeClientOptions<Incoming, Outgoing>;
  /** What `getToken` was told at each call: `attempt`, `reason`, `previous`. */
  readonly tokenRequests: readonly TokenContext[];
  /** The page and the chance of its clients, and with `time: 'own'` their clock. */
  readonly environment: FakeEnvironment;
  /**
   * Moves the time of its clients on by `ms`, and lets everything happen that then does.
   * @throws Error with `time: 'global'`, where the fake timers of vitest or jest move it.
   */
  advance(ms: number): Promise<void>;
}

/**
 * A two-stage server in memory, to script in unit tests: what it does, the test says. It has no timers, touches
 * no globals, and needs neither a network nor a DOM.
 *
 * @example
 * import { TwoStageSocket } from '@two-stage-socket/core';
 * import { createFakeServer } from '@two-stage-socket/core/testing';
 * import { expect, test } from 'vitest';
 *
 * test('comes back when it is lost', async () => {
 *   const server = createFakeServer<string, string>();
 *   const socket = new TwoStageSocket(server.options);
 *   socket.connect();
 *   await server.admit();
 *   socket.send('hello');
 *   expect(server.messages).toEqual(['hello']);
 *
 *   server.drop();
 *   await server.advance(2000);
 *   await server.admit();
 *   expect(socket.getSnapshot().status).toBe('ready');
 * });
 */
export function createFakeServer<Incoming = unknown, Outgoing = unknown>(
  options: FakeServerOptions<Incoming, Outgoing> = {},
): FakeServer<Incoming, Outgoing> {
  const { url = 'wss://fake.test/', auto = false, init = true, time = 'own', codec } = options;
  const environment = new FakeEnvironment();
  const { now, random, after, page } = environment;
  const isOwn = time === 'own';
  let tokenRequests: TokenContext[] = [];
  let payloads = 0;

  const describeTokens = () =>
    `getToken has been called ${formatTimes(tokenRequests.length)}${tokens.held ? ', and is held' : ''}`;
  const { controls, tokens, connect, answer } = createFakeBackend(
    { ...options, auto, init, describeTokens },
    isOwn ? now : () => Date.now(),
  );
  const { reset } = controls;

  class ServedWebSocket extends FakeWebSocket {
    readonly #peer: Peer;

    constructor(href: string, protocols?: string | string[]) {
      super(href, protocols);
      this.#peer = connect({
        url: this.url,
        protocols: this.protocols,
        open: (protocol) => this.accept(protocol),
        send: (frame) => this.say(frame),
        end: (code, reason) => this.drop(code, reason),
      });
      // As from any network, the answer comes when the constructor has long returned.
      Promise.resolve().then(() => answer(this.#peer.connection));
    }

    override send(frame: unknown): void {
      const { live } = this;
      super.send(frame);
      if (live) this.#peer.hear(frame);
    }

    override close(code?: number, reason?: string): void {
      const { live, readyState } = this;
      super.close(code, reason);
      if (!live) return;
      const said = readyState === 1 ? (code ?? 1005) : 1006;
      this.#peer.left(said, reason ?? '');
      // The handshake of a close takes its time, on any network.
      Promise.resolve().then(() => this.drop(said, said === 1006 ? '' : reason));
    }
  }

  const own: Omit<FakeServer<Incoming, Outgoing>, keyof FakeBackend> = {
    options: {
      url,
      async getToken(context) {
        tokenRequests.push(context);
        const answer = await tokens.ask();
        if ('token' in answer) return answer;
        throw Object.assign(new Error(`The token route answered ${answer.status}`), answer);
      },
      ...(init && { initPayload: () => ({ type: 'jwt', token: `jwt-${++payloads}` }) }),
      ...(codec && { codec }),
      environment: isOwn ? { now, random, after, page } : { random, page },
      WebSocket: ServedWebSocket,
    },
    get tokenRequests() {
      return tokenRequests;
    },
    environment,
    async advance(ms) {
      if (isOwn) return environment.advance(ms);
      throw new Error(
        "advance: this server was made with time: 'global'; move the fake timers on instead, " +
          'as by vi.advanceTimersByTimeAsync(ms)',
      );
    },
  };
  controls.reset = () => {
    reset();
    tokenRequests = [];
    payloads = 0;
  };
  return Object.defineProperties(controls, Object.getOwnPropertyDescriptors(own)) as FakeServer<
    Incoming,
    Outgoing
  >;
}
