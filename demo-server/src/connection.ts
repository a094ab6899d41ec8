import type { WebSocket } from 'ws';
import { CloseCode, retryAfterReason } from './close-codes.ts';
import type { Cancel } from './environment.ts';
import type { Identity } from './jwt.ts';
import type { Recovery } from './limits.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Frame, GoingAway, Wire } from './wire.ts';

/** What a connection is made of. */
export interface ConnectionOptions {
  /** Its number, for logs. */
  readonly id: number;
  /** The user its token was minted for. */
  readonly user: string;
  readonly wire: Wire;
  /** Asked for every frame that comes in, control frames included, whether it is one too many. */
  readonly limit: (connection: Recovery) => number;
  /** Bytes it may leave unread before it is ended; 0 for any number. */
  readonly maxBuffered: number;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Called when the network connection is gone. */
  readonly onClosed: (connection: Connection) => void;
}

/** What a ready connection's frames go to. */
export interface FrameHandler {
  handle(frame: Frame): void | Promise<void>;
}

const NOTHING: readonly never[] = [];

const owner = Symbol('connection');

/** A WebSocket that knows its connection, so that its listeners need not. */
interface Owned extends WebSocket {
  [owner]: Connection;
}

const connectionOf = (socket: WebSocket): Connection => (socket as Owned)[owner];

/** How long a client that hit the message limit is told to stay away, in ms. */
const SLOW_DOWN = 1000;

/**
 * One WebSocket and what this server knows about it.
 *
 * It starts by holding every frame back: `firstFrame` answers the first, and reading stops there,
 * so what follows waits in the network's buffers (a few frames that came in the same packet wait
 * here) until `release` hands them all, in order, to a handler. Once it has ended, by whichever
 * side, no frame is handled and none is sent, although `ws` may still deliver some.
 *
 * Most connections are idle most of the time: what they cost is memory. So all of them share their
 * listeners, and nothing that only the init stage needs is kept.
 */
export class Connection {
  readonly id: number;
  readonly user: string;
  readonly wire: Wire;
  readonly log: Log;
  /** What its JWT said, once that was verified: nothing of the application's is sent before. */
  identity: Identity | undefined;
  /** See {@link Recovery}. */
  recovered = 0;

  readonly #socket: WebSocket;
  readonly #limit: (connection: Recovery) => number;
  readonly #metrics: Metrics;
  readonly #maxBuffered: number;
  readonly #onClosed: (connection: Connection) => void;
  #held: readonly Frame[] = NOTHING;
  #endListeners: readonly ((connection: Connection) => void)[] = NOTHING;
  #onFirstFrame: ((frame: Frame) => void) | undefined;
  #handler: FrameHandler | undefined;
  #ended = false;
  #answered = true;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.id = options.id;
    this.user = options.user;
    this.wire = options.wire;
    this.log = options.log;
    this.#socket = socket;
    this.#limit = options.limit;
    this.#metrics = options.metrics;
    this.#maxBuffered = options.maxBuffered;
    this.#onClosed = options.onClosed;
    (socket as Owned)[owner] = this;
    for (const [event, listener] of Object.entries(Connection.#listeners)) {
      socket.on(event, listener);
    }
  }

  static readonly #listeners = {
    close(this: WebSocket, code: number): void {
      const connection = connectionOf(this);
      connection.#end(code);
      connection.#onClosed(connection);
    },
    // `ws` closes the connection by itself after an error; unheard, it would end the process.
    error(this: WebSocket, error: Error): void {
      const { log, id } = connectionOf(this);
      log.debug({ connection: id, error }, 'socket error');
    },
    message(this: WebSocket, data: Buffer, isBinary: boolean): void {
      connectionOf(this).#receive(isBinary ? data : data.toString());
    },
    // `ws` answers a ping, and ends a client that lets too many answers lie.
    ping(this: WebSocket): void {
      connectionOf(this).#admits();
    },
    pong(this: WebSocket): void {
      const connection = connectionOf(this);
      connection.#answered = true;
      connection.#admits();
    },
  };

  /** Whether it is over: nothing is sent or handled any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Settles when the network connection is gone. */
  get closed(): Promise<void> {
    if (this.#socket.readyState === this.#socket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  /** Whether its first frame has come, complete. */
  get hasFirstFrame(): boolean {
    return this.#held.length > 0 || this.#handler !== undefined;
  }

  /** The first frame; it stays with those held back. Never settles if the connection ends first. */
  firstFrame(): Promise<Frame> {
    return new Promise((resolve) => {
      this.#onFirstFrame = resolve;
    });
  }

  /** Hands all frames after the first over, those held back before those to come. */
  release(handler: FrameHandler): void {
    this.#handler = handler;
    const held = this.#held;
    this.#held = NOTHING;
    for (const frame of held.slice(1)) this.#dispatch(frame);
    this.#socket.resume();
  }

  /** Calls back once when it ends, at once if it has ended, unless that is cancelled. */
  onEnd(listener: (connection: Connection) => void): Cancel {
    if (this.#ended) listener(this);
    // An array that grows by itself grows by 16.
    else this.#endListeners = [...this.#endListeners, listener];
    return () => {
      this.#endListeners = this.#endListeners.filter((other) => other !== listener);
    };
  }

  /** Sends an application's value; bytes (a view of a buffer, or a buffer) go as they are. */
  send(data: unknown): void {
    this.sendFrame(toBytes(data) ?? this.wire.encode(data));
  }

  /**
   * Sends a frame, unless it has ended or not authenticated: nothing is ever sent to those. A
   * consumer that is too slow for what was sent before is ended instead.
   */
  sendFrame(frame: Frame): void {
    if (this.#ended || this.identity === undefined || !this.#keepsUp()) return;
    this.#metrics.sent();
    this.#socket.send(frame);
  }

  /** Announces a planned close; answers whether the wire can. */
  goAway(notice: GoingAway): boolean {
    const frame = this.wire.goingAway(notice);
    if (frame !== undefined) this.sendFrame(frame);
    return frame !== undefined;
  }

  /** Ends it with a close frame. */
  end(code: number, reason: string): void {
    if (!this.#end(code, reason)) return;
    this.#socket.close(code, reason);
    // The other side's close frame has to be read.
    this.#socket.resume();
  }

  /** Ends it because its init was refused, saying why if its wire does. */
  refuse(code: number, reason: string): void {
    if (this.wire.saysWhy) this.end(code, reason);
    else this.terminate(reason);
  }

  /** Ends it with no close frame: the other side sees 1006. */
  terminate(reason: string): void {
    this.#end(1006, reason);
    this.#socket.terminate();
  }

  /** Reads no more, even of a client that goes on sending after it was told to close. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Pings it, or ends it when it has not answered the last ping. */
  probe(): void {
    if (!this.#answered) {
      this.terminate('no pong');
      return;
    }
    this.#answered = false;
    this.#socket.ping();
  }

  #receive(frame: Frame): void {
    if (!this.#admits()) return;
    if (this.#handler !== undefined) {
      this.#dispatch(frame);
      return;
    }
    this.#held = [...this.#held, frame];
    if (this.#held.length > 1) return;
    this.#socket.pause();
    this.#onFirstFrame?.(frame);
    // It would keep the frame.
    this.#onFirstFrame = undefined;
  }

  /** Does something of the application's, which ends this connection alone if it fails. */
  guard(action: () => unknown): void {
    const fail = (error: unknown): void => {
      this.log.error({ connection: this.id, error }, 'the application failed');
      this.end(CloseCode.internal, 'internal error');
    };
    try {
      const result = action();
      if (result instanceof Promise) result.catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  #dispatch(frame: Frame): void {
    if (this.#ended) return;
    this.guard(() => this.#handler?.handle(frame));
  }

  /** Whether it reads what it is sent; one that does not is ended. */
  #keepsUp(): boolean {
    if (this.#maxBuffered === 0 || this.#socket.bufferedAmount <= this.#maxBuffered) return true;
    // A close frame would only wait behind what is not being read.
    this.terminate('slow consumer');
    return false;
  }

  /** Whether a frame that came is to be looked at. */
  #admits(): boolean {
    if (this.#ended) return false;
    this.#metrics.received();
    if (this.#limit(this) === 0) return true;
    this.end(CloseCode.slowDown, retryAfterReason(SLOW_DOWN));
    return false;
  }

  #end(code: number, reason?: string): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#held = NOTHING;
    this.#metrics.end(code);
    this.log.info({ connection: this.id, user: this.user, code, reason }, 'connection ended');
    const listeners = this.#endListeners;
    this.#endListeners = NOTHING;
    for (const listener of listeners) {
      try {
        listener(this);
      } catch (error) {
        // The others are told, and the network connection is ended, all the same.
        this.log.error({ connection: this.id, error }, 'a listener to the end failed');
      }
    }
    return true;
  }
}

function toBytes(data: unknown): Buffer | undefined {
  if (Buffer.isBuffer(data)) return data;
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return data instanceof ArrayBuffer ? Buffer.from(data) : undefined;
}
