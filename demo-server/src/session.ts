import { CloseCode } from './close-codes.ts';
import type { Connection } from './connection.ts';
import { type Cancel, type Environment, MAX_DELAY } from './environment.ts';
import type { Identity, VerifyJwt } from './jwt.ts';
import { echo, startIndividual } from './pipelines.ts';
import type { Registry } from './registry.ts';
import type { Frame } from './wire.ts';

/** What a ready connection lives on. */
export interface SessionOptions {
  readonly environment: Environment;
  readonly registry: Registry;
  readonly verify: VerifyJwt;
  /** Told in the ack, in ms. */
  readonly heartbeat: number;
  /** Interval of the individual pipeline, in ms; 0 for none. */
  readonly individualEvery: number;
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
  const { environment, registry, verify, heartbeat, individualEvery } = options;
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
    let renewed: Identity;
    try {
      renewed = await verify(jwt);
    } catch {
      connection.end(CloseCode.unauthorized, 'unauthorized');
      return;
    }
    if (renewed.user !== connection.user) {
      connection.end(CloseCode.forbidden, 'forbidden');
      return;
    }
    if (connection.ended) return;
    watchExpiry(renewed.expiresAt);
    acknowledge(renewed);
  }

  function handle(frame: Frame): void {
    if (typeof frame !== 'string') {
      echo(connection, frame);
      return;
    }
    const incoming = connection.wire.decode(frame);
    switch (incoming.kind) {
      case 'message':
        echo(connection, incoming.data);
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
  connection.isAuthenticated = true;
  registry.add(connection);
  watchExpiry(identity.expiresAt);
  connection.onEnd(() => cancelExpiry());
  startIndividual(connection, environment, individualEvery);
  connection.release(handle);
}
