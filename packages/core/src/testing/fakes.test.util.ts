import { TwoStageSocket } from '../socket.ts';
import type {
  Context,
  Environment,
  Events,
  Options,
  PageEvent,
  TokenContext,
  WebSocketLike,
} from '../types.ts';

export const originalAck = 'authentication successful';
export const v1 = 'two-stage.v1';
export const v1Ack = { type: 'ready', user: 'ada', expiresIn: 3_600_000, heartbeat: 25_000 };

const states = { connecting: 0, open: 1, closing: 2, closed: 3 } as const;

/** Lets every promise that can settle do so; bounded, so that a loop of promises ends the test. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await undefined;
}

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

/**
 * A WebSocket whose network is the test: `accept`, `say` and `drop` are what a server does. It is as
 * strict as a browser's, and like one it may deliver frames after `close()`.
 */
export class FakeWebSocket implements WebSocketLike {
  binaryType = 'blob';
  bufferedAmount = 0;
  readyState: number = states.connecting;
  protocol = '';
  onopen: ((event: any) => void) | null = null;
  onmessage: ((event: any) => void) | null = null;
  onclose: ((event: any) => void) | null = null;
  onerror: ((event: any) => void) | null = null;
  /** What has left, in order. */
  readonly sent: any[] = [];
  /** What the client tried to send after it had let go. */
  readonly late: unknown[] = [];
  /** What `close()` was called with. */
  closedWith: { code: number | undefined; reason: string | undefined } | undefined;
  readonly url: string;
  readonly protocols: string[];
  readonly extensions = '';
  readonly #listeners: { type: string; listener: (event: any) => void }[] = [];

  constructor(url: string, protocols: string | string[] = []) {
    this.url = url;
    this.protocols = [protocols].flat();
  }

  send(frame: unknown): void {
    if (this.readyState === states.connecting) throw new Error('send: still connecting');
    if (this.readyState === states.open) this.sent.push(frame);
    else this.late.push(frame);
  }

  close(code?: number, reason?: string): void {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
      throw new Error(`close: bad code ${code}`);
    }
    if (this.readyState >= states.closing) return;
    this.readyState = states.closing;
    this.closedWith = { code, reason };
  }

  addEventListener(type: string, listener: (event: any) => void): void {
    this.#listeners.push({ type, listener });
  }

  /** The token in the URL. */
  get token(): string | null {
    return new URL(this.url).searchParams.get('token');
  }

  /** Whether the client has not let go of it. */
  get live(): boolean {
    return this.readyState < states.closing;
  }

  /** Whether anything that it does would still reach the client. */
  get attached(): boolean {
    return !!(this.onopen || this.onmessage || this.onclose);
  }

  accept(protocol = ''): void {
    this.readyState = states.open;
    this.protocol = protocol;
    this.onopen?.({ type: 'open' });
  }

  /** Text and binary go as they are, anything else as JSON. */
  say(data: unknown): void {
    const isFrame = typeof data === 'string' || data instanceof ArrayBuffer;
    this.onmessage?.({ type: 'message', data: isFrame ? data : JSON.stringify(data) });
  }

  /** Ends the connection from the other side; by default as a broken network does. */
  drop(code = 1006, reason = ''): void {
    this.readyState = states.closed;
    this.#tell('error', {});
    this.#tell('close', { code, reason, wasClean: code !== 1006 });
  }

  #tell(type: 'error' | 'close', facts: object): void {
    const event = { type, ...facts };
    for (const heard of this.#listeners) if (heard.type === type) heard.listener(event);
    this[`on${type}`]?.(event);
  }
}

/** A world whose time stands still until it is told to move, and whose chance is chosen. */
export class FakeEnvironment implements Environment {
  /** What `random` answers. */
  chance = 0.5;
  isOnline = true;
  isVisible = true;
  #now = 1_800_000_000_000;
  #timers: { due: number; callback: () => void }[] = [];
  #listeners = new Set<{ event: PageEvent; listener: () => void }>();

  readonly now = (): number => this.#now;
  readonly random = (): number => this.chance;
  readonly after = (ms: number, callback: () => void): (() => void) => {
    const timer = { due: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };
  readonly page = {
    online: (): boolean => this.isOnline,
    visible: (): boolean => this.isVisible,
    on: (event: PageEvent, listener: () => void): (() => void) => {
      const own = { event, listener };
      this.#listeners.add(own);
      return () => this.#listeners.delete(own);
    },
  };

  get timers(): number {
    return this.#timers.length;
  }

  get pageListeners(): number {
    return this.#listeners.size;
  }

  /** Moves time on, calling back whatever becomes due on the way, in order. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (let timer = this.#next(until); timer; timer = this.#next(until)) {
      const { due, callback } = timer;
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#now = Math.max(this.#now, due);
      callback();
      await settle();
    }
    this.#now = until;
  }

  /** Sets the clock alone, as the correction of a machine's time does. */
  setClock(now: number): void {
    this.#now = now;
  }

  goOffline(): void {
    this.isOnline = false;
  }

  goOnline(): void {
    this.isOnline = true;
    this.tell('online');
  }

  hide(): void {
    this.isVisible = false;
    this.tell('visibilitychange');
  }

  show(): void {
    this.isVisible = true;
    this.tell('visibilitychange');
  }

  /** Lets the page have an event. */
  tell(event: PageEvent): void {
    for (const heard of [...this.#listeners]) if (heard.event === event) heard.listener();
  }

  /** The machine sleeps, or the page is frozen: time goes by, and no timer comes. */
  sleep(ms: number): void {
    this.#now += ms;
  }

  #next(until: number) {
    return this.#timers.filter(({ due }) => due <= until).sort((a, b) => a.due - b.due)[0];
  }
}

/** What a socket told, one line an event, in order: `state ready`, `message "hi"`, `close`. */
export function record(socket: TwoStageSocket<any, any>): string[] {
  const lines: string[] = [];
  const line: { [K in keyof Events]: (payload: Events<any, any>[K]) => string } = {
    message: (message) => `message ${JSON.stringify(message)}`,
    ready: () => 'ready',
    error: ({ code }) => `error ${code}`,
    statechange: ({ status }) => `state ${status}`,
    unsent: ({ message, reason }) => `unsent ${JSON.stringify(message)} ${reason}`,
    close: ({ failure }) => (failure ? `close ${failure.code}` : 'close'),
  };
  for (const event of Object.keys(line) as (keyof Events)[]) {
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
    if (dialled.length === before && last()?.readyState !== states.connecting) {
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
