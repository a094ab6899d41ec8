import { isAck } from './attempt.ts';
import { jsonCodec } from './codec.ts';
import { TwoStageSocket } from './socket.ts';
import type { Options, WebSocketConstructor } from './types.ts';

/** What goes on behind the class: the options of a `TwoStageSocket`, less what is the library's to say. */
export type WebSocketOptions = Omit<Options, 'url' | 'protocols' | 'codec' | 'queue'>;

const states = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 } as const;
const { CONNECTING, OPEN, CLOSING, CLOSED } = states;
const handled = ['open', 'message', 'error', 'close'] as const;

/** A token of RFC 9110 section 5.6.2, as RFC 6455 section 4.1 wants of a subprotocol. */
const subprotocol = /^[\w!#$%&'*+.^`|~-]+$/;

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
  const { isReady = isAck, isRejected } = options;

  class TwoStageWebSocket extends EventTarget {
    onopen: unknown = null;
    onmessage: unknown = null;
    onerror: unknown = null;
    onclose: unknown = null;
    readonly url: string;
    #readyState: number = CONNECTING;
    #binaryType: BinaryType = 'blob';
    /** The newest connection, whatever has become of it. */
    #ws: WebSocket | undefined;
    readonly #socket: TwoStageSocket<string | ArrayBuffer>;

    constructor(url: string | URL, protocols: string | string[] = []) {
      super();
      const { href, origin } = toUrl(url);
      const offered = [protocols].flat().map(String);
      const distinct = new Set(offered.filter((name) => subprotocol.test(name)));
      if (distinct.size < offered.length) refuse('SyntaxError', 'subprotocols are distinct tokens');
      this.url = href;
      for (const type of handled) {
        this.addEventListener(type, (event) => {
          const handler = this[`on${type}`];
          if (typeof handler === 'function') handler.call(this, event);
        });
      }
      const Native = options.WebSocket ?? globalThis.WebSocket;
      this.#socket = new TwoStageSocket({
        ...options,
        url: href,
        protocols: offered,
        codec: { encode: jsonCodec.encode, decode: (frame) => [frame] },
        queue: false,
        isReady: (frame) => isReady(toMessage(frame)),
        isRejected: isRejected && ((frame) => isRejected(toMessage(frame))),
        WebSocket: Native && this.#keeping(Native as WebSocketConstructor),
      });
      this.#socket.on('ready', () => {
        this.#readyState = OPEN;
        this.binaryType = this.#binaryType;
        this.dispatchEvent(new Event('open'));
      });
      this.#socket.on('message', (data) => {
        this.dispatchEvent(new MessageEvent('message', { data, origin }));
      });
      this.#socket.on('statechange', (state) => {
        const closed = state.status === 'closed' ? state : undefined;
        // A loss that the connection has not told of: a heartbeat, or a page that is put away.
        const isLost = state.status !== 'ready' && this.#readyState === OPEN;
        if (this.#readyState < CLOSING && (closed || isLost))
          this.#fail(closed?.failure?.closeCode);
      });
      this.#socket.connect();
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
      if (type !== 'blob' && type !== 'arraybuffer') return;
      this.#binaryType = type;
      if (this.#ws && this.#readyState) this.#ws.binaryType = type;
    }

    send(data: string | Blob | BufferSource): void {
      if (this.#readyState === CONNECTING) refuse('InvalidStateError', 'send: it is not open yet');
      this.#ws?.send(data);
    }

    close(code?: number, reason?: string): void {
      if (code !== undefined && code !== 1000 && !(code >= 3000 && code < 5000)) {
        refuse('InvalidAccessError', 'close: the code must be 1000, or 3000 to 4999');
      }
      if (reason && new TextEncoder().encode(reason).length > 123) {
        refuse('SyntaxError', 'close: the reason must be at most 123 bytes');
      }
      if (this.#readyState >= CLOSING) return;
      this.#readyState = CLOSING;
      // The connection's own end is told, in its time; where there is none, that is told next.
      if (this.#ws && this.#ws.readyState < CLOSED) this.#ws.close(code, reason);
      else setTimeout(() => this.#fail());
      this.#socket.close();
    }

    #keeping(Native: WebSocketConstructor): WebSocketConstructor {
      const keep = (ws: WebSocket) => {
        this.#ws = ws;
        const isTold = () => ws === this.#ws && this.#readyState !== CONNECTING;
        ws.addEventListener('error', () => {
          if (isTold()) this.dispatchEvent(new Event('error'));
        });
        ws.addEventListener('close', (event) => {
          if (isTold()) this.#end(event);
        });
        return ws;
      };
      return class {
        constructor(url: string, protocols: string[]) {
          // biome-ignore lint/correctness/noConstructorReturn: it stands in for the class that it keeps the instances of
          return keep(new Native(url, protocols) as WebSocket);
        }
      } as unknown as WebSocketConstructor;
    }

    #fail(code = 1006): void {
      this.#readyState = CLOSING;
      this.dispatchEvent(new Event('error'));
      this.#end({ code, reason: '', wasClean: false });
    }

    #end({ code, reason, wasClean }: Pick<CloseEvent, 'code' | 'reason' | 'wasClean'>): void {
      if (this.#readyState === CLOSED) return;
      this.#readyState = CLOSED;
      this.#socket.close();
      const facts = { code, reason, wasClean };
      // Node 20 has no CloseEvent.
      const { CloseEvent } = globalThis;
      this.dispatchEvent(
        CloseEvent ? new CloseEvent('close', facts) : Object.assign(new Event('close'), facts),
      );
    }
  }

  for (const target of [TwoStageWebSocket, TwoStageWebSocket.prototype])
    Object.assign(target, states);
  return TwoStageWebSocket as unknown as typeof WebSocket;
}

/** The URL as the WebSocket standard has it: relative to the page, `http` as `ws`, without a fragment. */
function toUrl(given: string | URL): URL {
  try {
    const url = new URL(new URL(given, globalThis.location?.href).href.replace(/^http/, 'ws'));
    if (/^wss?:[^#]+$/.test(url.href)) return url;
  } catch {}
  return refuse('SyntaxError', 'the URL must be of ws:, wss:, http: or https:, without a fragment');
}

function toMessage(frame: unknown): unknown {
  const [message] = jsonCodec.decode(frame as string);
  return message;
}

function refuse(name: string, message: string): never {
  throw new DOMException(message, name);
}
