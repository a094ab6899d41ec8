import type { WebSocketLike } from './types.ts';

const states = { connecting: 0, open: 1, closing: 2, closed: 3 } as const;

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

  /**
   * Ends the connection from the other side: by a close frame, or with 1006, the default, without one, as a
   * broken network does. Only that is an `error` as well, as in a browser.
   */
  drop(code = 1006, reason = ''): void {
    this.readyState = states.closed;
    if (code === 1006) this.#tell('error', {});
    this.#tell('close', { code, reason, wasClean: code !== 1006 });
  }

  #tell(type: 'error' | 'close', facts: object): void {
    const event = { type, ...facts };
    for (const heard of this.#listeners) if (heard.type === type) heard.listener(event);
    this[`on${type}`]?.(event);
  }
}
