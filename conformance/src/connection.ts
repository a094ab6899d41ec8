import type { Socket } from 'node:net';
import { encodeFrame, FrameReader, Opcode, type RawFrame, textFrame } from './frames.ts';

/** A data frame: text, or bytes. */
export type Frame = string | Buffer;

/** A close frame. 1005 stands for one without a code. */
export interface CloseFrame {
  readonly code: number;
  readonly reason: string;
}

/** How a socket ended. */
export interface End {
  /** `undefined` when no close frame came. */
  readonly close: CloseFrame | undefined;
  /** All data frames that ever came. */
  readonly frames: readonly Frame[];
}

/** How long a server may take to end the network connection once its close frame was answered. */
const CLOSE_TIMEOUT = 1000;

/**
 * The client's side of a WebSocket on bytes, so that what a library hides can be seen: whether a
 * close frame came at all, and what was sent beside it.
 */
export class Connection {
  /** Data frames in the order they came. */
  readonly frames: Frame[] = [];
  /** Pings that came. */
  pings = 0;
  /** Whether pings are answered. */
  answersPings = true;
  /** Settles when nothing more can come. */
  readonly ended: Promise<End>;

  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #listeners = new Set<() => void>();
  #fragments: RawFrame[] = [];
  #close: CloseFrame | undefined;
  #pongs = 0;
  #isOver = false;
  #setEnded: (end: End) => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    this.ended = new Promise((resolve) => {
      this.#setEnded = resolve;
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('close', () => this.#over());
  }

  /** Takes bytes that came with the answer to the upgrade. */
  take(chunk: Buffer): void {
    if (chunk.length > 0) this.#receive(chunk);
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The close frame that came, if one did. */
  get closeFrame(): CloseFrame | undefined {
    return this.#close;
  }

  /** Sends a text or binary frame. */
  send(data: Frame): void {
    this.write(typeof data === 'string' ? textFrame(data) : encodeFrame(Opcode.binary, data));
  }

  /** Sends a WebSocket ping. */
  ping(): void {
    this.write(encodeFrame(Opcode.ping, ''));
  }

  /** Sends bytes; answers whether the network takes more. */
  write(bytes: Buffer): boolean {
    return this.#socket.writable && this.#socket.write(bytes);
  }

  /** Whether all that was written has left. */
  get isDrained(): boolean {
    return this.#socket.writableLength === 0;
  }

  /** Stops to read, or reads on. */
  set isReading(value: boolean) {
    if (value) this.#socket.resume();
    else this.#socket.pause();
  }

  /** Calls back whenever something came, or it ended. Answers how to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the condition holds, or all is over. It is asked whenever something came. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition() && !this.#isOver) return;
        stop();
        resolve();
      };
      const stop = this.onChange(check);
      check();
    });
  }

  /** Resolves when the server has answered a WebSocket ping, or all is over. */
  roundTrip(): Promise<void> {
    const wanted = this.#pongs + 1;
    this.ping();
    return this.until(() => this.#pongs >= wanted);
  }

  /** Leaves, with no close frame. */
  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    for (const frame of this.#reader.push(chunk)) this.#take(frame);
    for (const listener of [...this.#listeners]) listener();
  }

  #take(frame: RawFrame): void {
    const { opcode, payload } = frame;
    switch (opcode) {
      case Opcode.ping:
        this.pings += 1;
        if (this.answersPings) this.write(encodeFrame(Opcode.pong, payload));
        return;
      case Opcode.pong:
        this.#pongs += 1;
        return;
      case Opcode.close:
        this.#closed(payload);
        return;
    }
    this.#fragments.push(frame);
    if (!frame.isFinal) return;
    const [first] = this.#fragments;
    const data = Buffer.concat(this.#fragments.map((fragment) => fragment.payload));
    this.frames.push(first?.opcode === Opcode.text ? data.toString() : data);
    this.#fragments = [];
  }

  #closed(payload: Buffer): void {
    const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    this.#close ??= { code, reason: payload.subarray(2).toString() };
    this.write(encodeFrame(Opcode.close, payload.subarray(0, 2)));
    const timer = setTimeout(() => this.#over(), CLOSE_TIMEOUT);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#setEnded({ close: this.#close, frames: this.frames });
    this.#socket.destroy();
    for (const listener of [...this.#listeners]) listener();
  }
}
