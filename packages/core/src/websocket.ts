import { isAck } from './attempt.ts';
import { jsonCodec } from './codec.ts';
import type { TwoStageError } from './errors.ts';
import { TwoStageSocket } from './socket.ts';
import type { Options, State, WebSocketConstructor } from './types.ts';

/**
 * What goes on behind the class: the options of a `TwoStageSocket`, less what is the library's to say, and
 * less `prefetch`, since a spare token would be for another instance, and `expiresIn`, since what a library is sent is its own. `heartbeat.isPong` sees frames as they
 * are. The global `WebSocket`, where none is given, is the one there is when the class is made.
 */
export type WebSocketOptions = Omit<
  Options,
  'url' | 'protocols' | 'codec' | 'schema' | 'queue' | 'prefetch' | 'expiresIn'
>;

/** A token of RFC 9110 section 5.6.2, as RFC 6455 section 4.1 wants of a subprotocol. */
const isToken = (name: string) => /^[\w!#$%&'*+.^`|~-]+$/.test(name);

/**
 * Makes a class shaped as the standard `WebSocket`, for any library that takes one. Each connection goes
 * through both stages, and `open` means ready: from then on all frames, and the subprotocol, are the
 * library's. It speaks the original wire; `isReady` and `isRejected` see messages as by the default codec.
 *
 * Until it is open, failures are retried as `retry` says (`maxAttempts: 1` for one try an instance). After
 * that a loss is a `close`, as with any `WebSocket`: what the library had said on that connection is gone,
 * and it constructs another, which comes with the credentials that it needs.
 * @throws TypeError as the constructor of `TwoStageSocket` does, when an instance is made.
 */
export function createWebSocket(options: WebSocketOptions = {}): typeof WebSocket {
  const CONNECTING = 0;
  const OPEN = 1;
  const CLOSING = 2;
  const CLOSED = 3;

  // Read now: later the global one may be the class that is made here.
  const Native = (options.WebSocket ?? globalThis.WebSocket) as WebSocketConstructor;

  class TwoStageWebSocket extends EventTarget {
    readonly #url: string;
    #readyState: number = CONNECTING;
    #binaryType: BinaryType = 'blob';
    /** The newest connection, whatever has become of it. */
    #ws: WebSocket | undefined;
    readonly #socket: TwoStageSocket;
    readonly #handlers: Record<string, unknown> = {};

    static {
      for (const type of ['open', 'message', 'error', 'close']) {
        Object.defineProperty(TwoStageWebSocket.prototype, `on${type}`, {
          get(this: TwoStageWebSocket) {
            return this.#handlers[type] ?? null;
          },
          set(this: TwoStageWebSocket, handler: unknown) {
            if (!(type in this.#handlers)) {
              this.addEventListener(type, (event) => {
                const current = this.#handlers[type];
                if (typeof current === 'function') current.call(this, event);
              });
            }
            // Not by `instanceof`: a frame may give one of its own realm.
            this.#handlers[type] = Object(handler) === handler ? handler : null;
          },
        });
      }
      ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'].forEach((name, value) => {
        for (const target of [TwoStageWebSocket, TwoStageWebSocket.prototype])
          Object.defineProperty(target, name, { value, enumerable: true });
      });
    }

    constructor(url: string | URL, protocols: string | string[] = []) {
      super();
      const offered = [protocols].flat().map(String);
      this.#url = toHref(url);
      if (new Set(offered.filter(isToken)).size < offered.length) {
        refuse('SyntaxError', 'protocols: not valid');
      }
      this.#socket = new TwoStageSocket({
        ...options,
        url: this.#url,
        protocols: offered,
        codec: {
          encode: jsonCodec.encode,
          decode: (frame) => (this.#readyState ? [frame] : jsonCodec.decode(frame)),
        },
        queue: false,
        // Without one, an ack of `two-stage.v1` would change the wire.
        isReady: options.isReady ?? ('initPayload' in options ? isAck : undefined),
        // Where there is none it fails: what is the global one by then may be the class that is made here.
        WebSocket: new Proxy(Native ?? Object, {
          construct: (_, args) => this.#keep(Reflect.construct(Native, args)),
        }),
      });
      this.#socket.on('ready', () => {
        this.#readyState = OPEN;
        this.binaryType = this.#binaryType;
        this.dispatchEvent(new Event('open'));
      });
      const { origin } = new URL(this.#url);
      this.#socket.on('message', (data) => {
        this.dispatchEvent(new MessageEvent('message', { data, origin }));
      });
      this.#socket.on('statechange', (state) => this.#follow(state));
      this.#socket.connect();
    }

    get url(): string {
      return this.#url;
    }
    get readyState(): number {
      return this.#readyState;
    }
    get protocol(): string {
      return this.#ws?.protocol ?? '';
    }
    get extensions(): string {
      return this.#ws?.extensions ?? '';
    }
    get bufferedAmount(): number {
      return this.#ws?.bufferedAmount ?? 0;
    }
    get binaryType(): BinaryType {
      return this.#binaryType;
    }
    set binaryType(type: BinaryType) {
      if (!['blob', 'arraybuffer'].includes(type)) return;
      this.#binaryType = type;
      if (this.#ws && this.#readyState) this.#ws.binaryType = type;
    }

    send(data: string | Blob | BufferSource): void {
      if (!this.#readyState) refuse('InvalidStateError', 'send: not open');
      this.#ws?.send(data);
    }

    close(code?: number, reason?: string): void {
      try {
        // The socket says 1000 where it is told no code; a `WebSocket` says none.
        if (code === undefined && !reason) this.#ws?.close();
        this.#socket.close(code, reason);
        // Its event comes later where this is called by a listener.
        this.#follow(this.#socket.getSnapshot());
      } catch (error) {
        const { message } = error as Error;
        refuse(/reason/.test(message) ? 'SyntaxError' : 'InvalidAccessError', message);
      }
    }

    #keep(ws: WebSocket): WebSocket {
      let failed = false;
      this.#ws = ws;
      ws.addEventListener('error', () => {
        failed = true;
      });
      ws.addEventListener('close', ({ code, reason, wasClean }) => {
        if (ws !== this.#ws) return;
        if (this.#readyState) this.#end(failed, { code, reason, wasClean });
        // Node's own says so before its `close` returns, and has nothing more to tell.
        else this.#ws = undefined;
      });
      return ws;
    }

    #follow(state: State): void {
      const { status, failure }: { status: string; failure?: TwoStageError | undefined } = state;
      const wasOpen = this.#readyState === OPEN;
      const goesOn = wasOpen ? status === 'ready' : status !== 'closed';
      if (this.#readyState >= CLOSING || goesOn) return;
      this.#readyState = CLOSING;
      // Closed on purpose: its connection tells of its end in its time, where there is one.
      if (!failure && this.#ws && this.#ws.readyState < CLOSED) return;
      this.#ws = undefined;
      this.#socket.close();
      // Later, so that a page that is put away hears of it when it is shown again, as of any `WebSocket`.
      // No error once it was open: a library may take that for a reason not to come back.
      const code = failure?.closeCode ?? 1006;
      setTimeout(() => this.#end(!wasOpen, { code, reason: '', wasClean: false }));
    }

    #end(failed: boolean, facts: CloseEventInit): void {
      this.#readyState = CLOSED;
      this.#socket.close();
      if (failed) this.dispatchEvent(new Event('error'));
      // Node 20 has no CloseEvent.
      this.dispatchEvent(
        globalThis.CloseEvent
          ? new CloseEvent('close', facts)
          : Object.assign(new Event('close'), facts),
      );
    }
  }

  return TwoStageWebSocket as unknown as typeof WebSocket;
}

/** The URL as the WebSocket standard has it: relative to the document, `http` as `ws`, without a fragment. */
function toHref(given: string | URL): string {
  try {
    const base = globalThis.document?.baseURI ?? globalThis.location?.href;
    const href = new URL(given, base).href.replace(/^http/, 'ws');
    if (/^wss?:[^#]*$/.test(href)) return href;
  } catch {}
  return refuse('SyntaxError', 'url: not valid');
}

function refuse(name: string, message: string): never {
  throw new DOMException(message, name);
}
