import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';

/** How a connection ended. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket that remembers everything it was sent. */
export interface Client {
  readonly socket: WebSocket;
  /** Text frames as strings, binary ones as buffers, in the order they came. */
  readonly frames: (string | Buffer)[];
  readonly closed: Promise<Closed>;
  /** The next frame that was not asked for yet. */
  next(): Promise<string | Buffer>;
  /** The next frame, parsed as JSON. */
  nextJson(): Promise<unknown>;
  send(frame: string | Buffer): void;
  sendJson(value: unknown): void;
  /**
   * Resolves when the server has seen, and answered, all that was sent so far: a WebSocket ping is
   * answered below the application, in order, on unauthenticated connections too.
   */
  roundTrip(): Promise<void>;
}

/** Thrown when an upgrade is refused. */
export class UpgradeRefused extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;

  constructor(status: number, headers: UpgradeRefused['headers']) {
    super(`The upgrade was refused with ${status}`);
    this.status = status;
    this.headers = headers;
  }
}

/** Opens a WebSocket, or throws `UpgradeRefused`. */
export async function openClient(
  url: string,
  protocols: string[] = [],
  headers: Record<string, string> = {},
): Promise<Client> {
  const socket = new WebSocket(url, protocols, { headers });
  const frames: (string | Buffer)[] = [];
  const waiting: ((frame: string | Buffer) => void)[] = [];
  let asked = 0;

  socket.on('message', (data: Buffer, isBinary) => {
    const frame = isBinary ? data : data.toString();
    frames.push(frame);
    waiting.shift()?.(frame);
  });
  const closed = new Promise<Closed>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
    socket.on('unexpected-response', (request, response) => {
      request.destroy();
      reject(new UpgradeRefused(response.statusCode ?? 0, response.headers));
    });
  });

  function next(): Promise<string | Buffer> {
    const frame = frames[asked];
    asked += 1;
    if (frame !== undefined) return Promise.resolve(frame);
    return new Promise((resolve) => waiting.push(resolve));
  }

  return {
    socket,
    frames,
    closed,
    next,
    nextJson: async () => JSON.parse(String(await next())),
    send: (frame) => socket.send(frame),
    sendJson: (value) => socket.send(JSON.stringify(value)),
    async roundTrip() {
      socket.ping();
      await once(socket, 'pong');
    },
  };
}

/** A TCP connection that remembers every byte, for what a WebSocket client would not do or show. */
export interface RawClient {
  readonly socket: Socket;
  /** All that came so far. */
  received(): Buffer;
  /** Resolves with all that came, once the server has closed. */
  readonly ended: Promise<Buffer>;
  /** Resolves once these bytes, or this text, have come. */
  until(bytes: string | Buffer): Promise<void>;
}

/**
 * Opens a TCP connection.
 *
 * @param allowHalfOpen whether it goes on writing when the server has said that it is done
 */
export function openRaw(url: string, { allowHalfOpen = false } = {}): RawClient {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen });
  const chunks: Buffer[] = [];
  const received = (): Buffer => Buffer.concat(chunks);
  socket.on('data', (chunk) => chunks.push(chunk));
  // A reset is one of the ways to be refused.
  socket.on('error', () => {});
  return {
    socket,
    received,
    ended: new Promise((resolve) => socket.on('close', () => resolve(received()))),
    async until(bytes) {
      while (!received().includes(bytes)) await once(socket, 'data');
    },
  };
}

/** The text of an upgrade request. */
export function upgradeRequest(target: string, headers: Record<string, string> = {}): string {
  const all = {
    Host: 'localhost',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`GET ${target} HTTP/1.1`, ...lines, '', ''].join('\r\n');
}

/** A client's text frame (RFC 6455, section 5.2) with a mask of zeros. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  if (length > 0xffff) throw new RangeError('Only short frames are needed here');
  const size =
    length < 126 ? Buffer.from([0x80 | length]) : Buffer.from([0xfe, length >> 8, length & 0xff]);
  return Buffer.concat([Buffer.from([0x81]), size, Buffer.alloc(4), payload]);
}

/** A client's ping, and a server's answer to it. */
export const PING = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);
/** See {@link PING}. */
export const PONG = Buffer.from([0x8a, 0]);
