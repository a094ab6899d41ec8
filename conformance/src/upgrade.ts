import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type Answer, readAnswer, readHead } from './answer.ts';
import { Connection } from './connection.ts';
import { openTcp } from './tcp.ts';

/** What an upgrade request says. */
export interface UpgradeRequest {
  /** Path and query, as they are written. */
  readonly target: string;
  /** Value of `Sec-WebSocket-Protocol`, or of several such lines. */
  readonly offer?: string | readonly string[] | undefined;
  /** Value of `Origin`. */
  readonly origin?: string | undefined;
  /** Value of `Sec-WebSocket-Version`. Default 13. */
  readonly version?: number;
}

/** An answer to an upgrade request: either an HTTP answer, or a socket. */
export interface Upgraded {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** When it is not 101. */
  readonly answer: Answer | undefined;
  /** When it is 101. */
  readonly connection: Connection | undefined;
}

/** Thrown when the server ends the network connection instead of answering. */
export class NoAnswer extends Error {
  override name = 'NoAnswer';
}

/** Appended to what SHA-1 is made of (RFC 6455, section 4.2.2). */
const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Asks for an upgrade, on a network connection that is there already. */
export type Ask = (request: UpgradeRequest) => Promise<Upgraded>;

/**
 * Opens a network connection for an upgrade. What it answers rejects with `NoAnswer` when the server
 * ends the connection first, or its handshake is wrong.
 *
 * @param onSocket told of the network connection, to be able to end it
 */
export async function connectForUpgrade(
  url: URL,
  onSocket: (socket: Socket) => void,
): Promise<Ask> {
  const socket = await openTcp(url);
  onSocket(socket);
  return (request) => ask(socket, url, request);
}

function ask(socket: Socket, url: URL, request: UpgradeRequest): Promise<Upgraded> {
  const key = randomBytes(16).toString('base64');
  socket.write(requestText(url, request, key));
  let received: Buffer = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const finish = (isEnded: boolean): boolean => {
      const head = readHead(received);
      if (head?.status === 101) {
        const accept = createHash('sha1').update(`${key}${MAGIC}`).digest('base64');
        if (head.headers.get('sec-websocket-accept') !== accept) {
          reject(new NoAnswer('Sec-WebSocket-Accept does not fit the key'));
          return true;
        }
        socket.off('data', onData);
        socket.off('close', onClose);
        const connection = new Connection(socket);
        resolve({ status: 101, headers: head.headers, answer: undefined, connection });
        connection.take(received.subarray(head.length));
        return true;
      }
      const answer = readAnswer(received, isEnded);
      if (answer === undefined) return false;
      socket.destroy();
      resolve({ status: answer.status, headers: answer.headers, answer, connection: undefined });
      return true;
    };
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      finish(false);
    };
    const onClose = (): void => {
      if (!finish(true)) reject(new NoAnswer('the connection ended before an answer'));
    };
    socket.on('data', onData);
    socket.on('close', onClose);
  });
}

function requestText(url: URL, request: UpgradeRequest, key: string): Buffer {
  const { target, offer = [], origin, version = 13 } = request;
  const lines = [
    `GET ${target} HTTP/1.1`,
    `Host: ${url.host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Version: ${version}`,
    `Sec-WebSocket-Key: ${key}`,
  ];
  for (const line of [offer].flat()) lines.push(`Sec-WebSocket-Protocol: ${line}`);
  if (origin !== undefined) lines.push(`Origin: ${origin}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}
