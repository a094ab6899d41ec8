import { FakeEnvironment, settle } from '../fake-environment.ts';
import { FakeWebSocket } from '../fake-websocket.ts';
import { TwoStageSocket } from '../socket.ts';
import type { Context, Events, Options, TokenContext } from '../types.ts';

export { FakeEnvironment, FakeWebSocket, settle };

export const originalAck = 'authentication successful';
export const v1 = 'two-stage.v1';
export const v1Ack = { type: 'ready', user: 'ada', expiresIn: 3_600_000, heartbeat: 25_000 };

/** A promise that the test settles when it likes. */
export function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((...both) => {
    [resolve, reject] = both;
  });
  return { promise, resolve, reject };
}

export const never = <T>(): Promise<T> => new Promise(() => {});

type Recorded = Exclude<keyof Events, 'sent'>;

/** What a socket told, one line an event, in order: `state ready`, `message "hi"`, `close`. Not what it sent. */
export function record(socket: TwoStageSocket<any, any>): string[] {
  const lines: string[] = [];
  const line: { [K in Recorded]: (payload: Events<any, any>[K]) => string } = {
    message: (message) => `message ${JSON.stringify(message)}`,
    ready: () => 'ready',
    error: ({ code }) => `error ${code}`,
    statechange: ({ status }) => `state ${status}`,
    unsent: ({ message, reason }) => `unsent ${JSON.stringify(message)} ${reason}`,
    close: ({ failure }) => (failure ? `close ${failure.code}` : 'close'),
  };
  for (const event of Object.keys(line) as Recorded[]) {
    socket.on(event, (payload: any) => lines.push((line[event] as (p: any) => string)(payload)));
  }
  return lines;
}

/** How long a waiting socket has still to wait, in ms; 0 for one that does not wait for a time. */
export function waitLeft(socket: TwoStageSocket<any, any>, world: FakeEnvironment): number {
  const state = socket.getSnapshot();
  return state.status === 'waiting' && state.retryAt ? state.retryAt - world.now() : 0;
}

export interface Rig {
  readonly socket: TwoStageSocket<any, any>;
  readonly world: FakeEnvironment;
  /** Every WebSocket that was constructed, oldest first. */
  readonly dialled: FakeWebSocket[];
  /** The newest of them. */
  last(): FakeWebSocket;
  readonly events: string[];
  /** What `getToken` was told at each call, unless the test gave its own. */
  readonly tokenCalls: TokenContext[];
  /** What `initPayload` was told at each call, unless the test gave its own. */
  readonly payloadCalls: Context[];
  /** Through the token stage, to a WebSocket that is connecting. */
  dial(): Promise<FakeWebSocket>;
  /** Through both stages from wherever it is, the wait included. */
  become(status: 'ready' | 'authenticating'): Promise<FakeWebSocket>;
  /** What a closed socket must have none of. */
  leaks(): typeof nothing;
}

export const nothing = { timers: 0, pageListeners: 0, sockets: 0, handlers: 0, late: 0 };

/**
 * A socket in a fake world. Its token route mints `token-1`, `token-2`, …, its app signs `jwt-1`,
 * `jwt-2`, …; an option that is `undefined` is left out.
 */
export function rig(options: { readonly [K in keyof Options<any, any>]?: unknown } = {}): Rig {
  const world = new FakeEnvironment();
  const dialled: FakeWebSocket[] = [];
  const tokenCalls: TokenContext[] = [];
  const payloadCalls: Context[] = [];
  const given = {
    url: 'wss://example.test/socket',
    getToken: (context: TokenContext) => `token-${tokenCalls.push(context)}`,
    initPayload: (context: Context) => ({
      type: 'jwt',
      token: `jwt-${payloadCalls.push(context)}`,
    }),
    WebSocket: class extends FakeWebSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        dialled.push(this);
      }
    },
    environment: world,
    ...options,
  };
  const kept = Object.entries(given).filter(([, value]) => value !== undefined);
  const socket = new TwoStageSocket<any, any>(Object.fromEntries(kept) as unknown as Options);
  const events = record(socket);

  const last = () => dialled.at(-1) as FakeWebSocket;
  const dial = async () => {
    const before = dialled.length;
    if (['idle', 'closed'].includes(socket.getSnapshot().status)) socket.connect();
    await settle();
    await world.advance(waitLeft(socket, world));
    if (dialled.length === before && last()?.readyState !== 0) {
      throw new Error(`no WebSocket was constructed: ${JSON.stringify(socket.getSnapshot())}`);
    }
    return last();
  };
  return {
    socket,
    world,
    dialled,
    last,
    events,
    tokenCalls,
    payloadCalls,
    dial,
    async become(status) {
      const ws = await dial();
      const protocol = ws.protocols.includes(v1) ? v1 : '';
      ws.accept(protocol);
      await settle();
      if (status === 'ready' && socket.getSnapshot().status === 'authenticating') {
        ws.say(protocol ? v1Ack : originalAck);
      }
      return ws;
    },
    leaks: () => ({
      timers: world.timers,
      pageListeners: world.pageListeners,
      sockets: dialled.filter(({ live }) => live).length,
      handlers: dialled.filter(({ attached }) => attached).length,
      late: dialled.flatMap(({ late }) => late).length,
    }),
  };
}
