import type { Duplex } from 'node:stream';
import { CloseCode } from './close-codes.ts';
import type { Connection } from './connection.ts';
import type { Cancel, Environment } from './environment.ts';
import { judgeJwt, type VerifyForConnection } from './judge-jwt.ts';
import type { Identity } from './jwt.ts';
import { readInitPayload } from './wire.ts';

/** What the first frame is judged by. */
export interface FirstFrameOptions {
  readonly environment: Environment;
  /** The connection below the WebSocket. */
  readonly socket: Duplex;
  /** ms from the upgrade to the verdict, whatever arrives meanwhile; 0 for no deadline. */
  readonly timeout: number;
  /** Largest init payload in bytes. A JWT is seldom a tenth of `MAX_FIRST_FRAME`. */
  readonly maxBytes: number;
  readonly verify: VerifyForConnection;
}

/** The usual `maxBytes`. */
export const MAX_FIRST_FRAME = 16_384;

/**
 * Authenticates a connection by its first frame: an init payload with a good JWT of the very user
 * its token was minted for. Answers the JWT's identity, or `undefined` when the connection has
 * ended: refused here, or lost. There is one try.
 */
export async function authenticate(
  connection: Connection,
  { environment, socket, timeout, maxBytes, verify }: FirstFrameOptions,
): Promise<Identity | undefined> {
  const refuse = (code: number, reason: string): undefined => {
    connection.refuse(code, reason);
  };
  const cancelDeadline =
    timeout > 0
      ? environment.after(timeout, () => refuse(CloseCode.initTimeout, 'init timeout'))
      : () => {};
  const forgetDeadline = connection.onEnd(cancelDeadline);
  const liftBound = boundBytes(connection, socket, maxBytes);

  const frame = await connection.firstFrame();
  if (Buffer.byteLength(frame) > maxBytes) {
    connection.end(...TOO_LARGE);
    return undefined;
  }
  const jwt = readInitPayload(frame);
  if (jwt === undefined) return refuse(CloseCode.badFrame, 'the first frame is no init payload');

  const verdict = await judgeJwt(jwt, connection, verify, environment);
  if ('code' in verdict) {
    // That nobody can tell is worth a word on every wire: it is not the client's fault.
    if (verdict.code === CloseCode.busy) connection.end(verdict.code, verdict.reason);
    else refuse(verdict.code, verdict.reason);
    return undefined;
  }

  // The deadline, a stop or the client itself may have been faster than the verdict.
  if (connection.ended) return undefined;
  cancelDeadline();
  forgetDeadline();
  liftBound();
  return verdict;
}

const TOO_LARGE = [CloseCode.tooLarge, 'the first frame is too large'] as const;

/** The longest header of a client's frame (RFC 6455, section 5.2): what a frame adds to its bytes. */
const FRAME_HEADER = 14;

/**
 * Bounds what a connection may send before its first frame is complete, and after it was refused.
 * `ws` has one message limit for a connection's whole life, so this counts the bytes instead.
 *
 * @returns lifts the bound
 */
function boundBytes(connection: Connection, socket: Duplex, maxBytes: number): Cancel {
  let received = 0;
  const count = (chunk: Buffer): void => {
    received += chunk.length;
    if (received <= maxBytes + FRAME_HEADER || connection.hasFirstFrame) return;
    connection.end(...TOO_LARGE);
    connection.stopReading();
    // A client that is still sending cannot answer a close frame; it can hear that we are done.
    socket.end();
  };
  // Runs after the listener of `ws`, which has taken the chunk apart by then.
  socket.on('data', count);
  return () => {
    socket.off('data', count);
  };
}
