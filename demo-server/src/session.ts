import { CloseCode } from './close-codes.ts';
import type { Connection } from './connection.ts';
import { type Cancel, type Environment, MAX_DELAY } from './environment.ts';
import { judgeJwt, type VerifyForConnection } from './judge-jwt.ts';
import type { Identity } from './jwt.ts';
import type { Registry } from './registry.ts';
import type { Frame } from './wire.ts';

/** What a ready connection lives on. */
export interface SessionOptions {
  readonly environment: Environment;
  readonly registry: Registry;
  /** Verifies the JWT of a renewal. */
  readonly verify: VerifyForConnection;
  /** Told in the ack, in ms. */
  readonly heartbeat: number;
  /** Called with the connection once it is acknowledged and registered, before any message. */
  readonly onReady?: ((connection: Connection) => void) | undefined;
  /** Called with each of the application's messages: a value of JSON, a string, or bytes. */
  readonly onMessage: (connection: Connection, data: unknown) => void;
}

/**
 * Makes an authenticated connection ready: acknowledges, registers it, and serves it until it
 * ends or its JWT expires without having been renewed.
 */
export function startSession(
  connection: Connection,
  identity: Identity,
  options: SessionOptions,
): void {
  const { environment, registry, verify, heartbeat, onReady, onMessage } = options;
  let cancelExpiry: Cancel = () => {};
  let renewal = Promise.resolve();

  function acknowledge({ user, expiresAt }: Identity): void {
    const expiresIn = expiresAt - environment.now();
    connection.sendFrame(connection.wire.ack({ user, expiresIn, heartbeat }));
  }

  function watchExpiry(expiresAt: number): void {
    cancelExpiry();
    const left = expiresAt - environment.now();
    if (left <= 0) {
      connection.end(CloseCode.unauthorized, 'the JWT expired');
      return;
    }
    cancelExpiry = environment.after(Math.min(left, MAX_DELAY), () => watchExpiry(expiresAt));
  }

  async function renew(jwt: string): Promise<void> {
    if (connection.ended) return;
    const verdict = await judgeJwt(jwt, connection, verify, environment);
    if (connection.ended) return;
    if ('code' in verdict) {
      connection.end(verdict.code, verdict.reason);
      return;
    }
    connection.identity = verdict;
    watchExpiry(verdict.expiresAt);
    acknowledge(verdict);
  }

  function handle(frame: Frame): void {
    if (typeof frame !== 'string') {
      onMessage(connection, frame);
      return;
    }
    const incoming = connection.wire.decode(frame);
    switch (incoming.kind) {
      case 'message':
        onMessage(connection, incoming.data);
        break;
      case 'jwt':
        // One after the other, so that the last JWT sent is the one that counts.
        renewal = renewal.then(() => renew(incoming.token));
        break;
      case 'ping':
        if (connection.wire.pong !== undefined) connection.sendFrame(connection.wire.pong);
        break;
      case 'invalid':
        connection.end(CloseCode.badFrame, 'not JSON with a string type');
        break;
      case 'unknown':
        break;
    }
  }

  acknowledge(identity);
  connection.identity = identity;
  registry.add(connection);
  watchExpiry(identity.expiresAt);
  connection.onEnd(() => cancelExpiry());
  onReady?.(connection);
  connection.release(handle);
}
