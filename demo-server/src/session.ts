import { CloseCode } from './close-codes.ts';
import type { Connection, FrameHandler } from './connection.ts';
import type { Environment } from './environment.ts';
import type { Expiry } from './expiry.ts';
import { judgeJwt, type VerifyForConnection } from './judge-jwt.ts';
import type { Identity } from './jwt.ts';
import type { Registry } from './registry.ts';
import type { Frame } from './wire.ts';

/** What a ready connection lives on. */
export interface SessionOptions {
  readonly environment: Environment;
  readonly registry: Registry;
  /** Watches over the registry's connections. */
  readonly expiry: Expiry;
  /** Verifies the JWT of a renewal. */
  readonly verify: VerifyForConnection;
  /** Told in the ack, in ms. */
  readonly heartbeat: number;
  /** Called with the connection once it is acknowledged and registered, before any message. */
  readonly onReady?: ((connection: Connection) => void | Promise<void>) | undefined;
  /** Called with each of the application's messages: a value of JSON, a string, or bytes. */
  readonly onMessage: (connection: Connection, data: unknown) => void | Promise<void>;
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
  const { registry, expiry, onReady } = options;
  const session = new Session(connection, options);
  connection.identity = identity;
  session.acknowledge(identity);
  registry.add(connection);
  expiry.watch(connection);
  connection.onEnd(expiry.rest);
  if (onReady !== undefined) connection.guard(() => onReady(connection));
  connection.release(session);
}

class Session implements FrameHandler {
  readonly #connection: Connection;
  readonly #options: SessionOptions;
  #isRenewing = false;
  /** The last JWT that came while another one is being verified. */
  #nextJwt: string | undefined;

  constructor(connection: Connection, options: SessionOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  acknowledge({ user, expiresAt }: Identity): void {
    const { environment, heartbeat } = this.#options;
    const { wire } = this.#connection;
    const expiresIn = expiresAt - environment.now();
    this.#connection.sendFrame(wire.ack({ user, expiresIn, heartbeat }));
  }

  handle(frame: Frame): void | Promise<void> {
    const connection = this.#connection;
    const { onMessage } = this.#options;
    if (typeof frame !== 'string') return onMessage(connection, frame);
    const incoming = connection.wire.decode(frame);
    switch (incoming.kind) {
      case 'message':
        return onMessage(connection, incoming.data);
      case 'jwt':
        this.#nextJwt = incoming.token;
        return this.#renewAll();
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

  /** One after the other, so that the last one counts; those in between need no verdict. */
  async #renewAll(): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    while (this.#nextJwt !== undefined) {
      const jwt = this.#nextJwt;
      this.#nextJwt = undefined;
      await this.#renew(jwt);
    }
    this.#isRenewing = false;
  }

  async #renew(jwt: string): Promise<void> {
    const connection = this.#connection;
    const { environment, expiry, verify } = this.#options;
    if (connection.ended) return;
    const verdict = await judgeJwt(jwt, connection, verify, environment);
    if (connection.ended) return;
    if ('code' in verdict) {
      connection.end(verdict.code, verdict.reason);
      return;
    }
    connection.identity = verdict;
    expiry.watch(connection);
    this.acknowledge(verdict);
  }
}
