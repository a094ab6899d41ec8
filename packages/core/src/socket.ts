/// <reference lib="esnext.disposable" preserve="true" />
import { createClient } from './client.ts';
import type { TwoStageError } from './errors.ts';
import type { Events, Options, State } from './types.ts';

/**
 * A WebSocket that is authenticated in two stages: a token in its handshake, an init payload in its
 * first frame. It comes back when it is lost, with the credentials that the loss calls for.
 *
 * Constructing one does nothing observable, on a server too; `connect` or `retain` begins. Every
 * method with a name is bound and keeps its identity for ever.
 *
 * @template Incoming What the server sends once the socket is ready; believed, not checked.
 * @template Outgoing What `send` takes.
 */
export class TwoStageSocket<Incoming = unknown, Outgoing = unknown> {
  /** Opens the socket, and keeps it open until `close`. Does nothing where it is open already. */
  declare readonly connect: () => void;

  /**
   * Ends everything at once, from any state: attempt, connection, timers. Queued messages are reported
   * unsent. Only `connect`, `reconnect` or a first `retain` opens the socket again.
   * @param code 1000 (the default) or 3000 to 4999
   * @param reason At most 123 bytes of UTF-8.
   * @throws RangeError for another code or a longer reason; nothing has happened then.
   */
  declare readonly close: (code?: number, reason?: string) => void;

  /**
   * Starts over at once, with fresh credentials, from any state; what is queued stays queued. It is for
   * the same user: another one is `close`, then `connect`. Who holds the socket goes on holding it, however
   * it came to be closed; where nobody does, it is kept open as by `connect`.
   */
  declare readonly reconnect: () => void;

  /**
   * Holds the socket open on behalf of a part of the app. The first holder opens it; it closes a second
   * after the last has let go, unless `connect` was called. Returns the release; calling that again
   * does nothing.
   */
  declare readonly retain: () => () => void;

  /**
   * Sends a message, or keeps it until the socket is ready. `refused` is a message that is not kept:
   * the socket is closed, or the queue is full or off. A message that was queued and cannot be sent is
   * reported by the event `unsent`. The message is read now: changing it later changes nothing.
   * @throws TypeError for a message that is neither a frame nor has JSON, and whatever `codec.encode` or
   * `WebSocket.send` throw.
   */
  declare readonly send: (message: Outgoing) => 'sent' | 'queued' | 'refused';

  /**
   * Renews the init payload of a ready connection in place, as the client does by itself before the one
   * in use expires: for an app that has another JWT and does not want to wait. Resolves when the server
   * has taken it; calls while one is under way share it.
   * Rejects with a TwoStageError: `renew-failed` where there is nothing to renew (not ready, no init stage,
   * the original wire) or `initPayload` fails; the failure of the connection when that is lost meanwhile.
   */
  declare readonly renew: () => Promise<void>;

  /**
   * Asks at once whether a ready connection is still alive, and ends a wait within a second, unless the
   * server said how long, or the network or the page is missing. For environments whose events the client
   * does not hear, such as `AppState` in React Native.
   */
  declare readonly check: () => void;

  /**
   * Puts newer options in place of those given before; what is left out stays. Never reconnects: a newer
   * option is used when the next use of it comes, a function at its next call, an address or a credential
   * at the next attempt.
   * @throws TypeError as the constructor does; nothing has changed then.
   */
  declare readonly configure: (options: Partial<Options<Incoming, Outgoing>>) => void;

  /** Calls `listener` at each event; returns a function that stops that. */
  declare readonly on: <K extends keyof Events>(
    event: K,
    listener: (payload: Events<Incoming, Outgoing>[K]) => void,
  ) => () => void;

  /** Calls `listener` after each change of state; returns a function that stops that. */
  declare readonly subscribe: (listener: () => void) => () => void;

  /** The state: the same object until it changes. */
  declare readonly getSnapshot: () => State;

  /**
   * Resolves with the ack once the socket is ready, at once if it is. Does not open it.
   * @throws TwoStageError when the socket closes, or is closed: with the failure, else code `closed`.
   * @throws `signal.reason` when that aborts first.
   */
  declare readonly ready: (options?: { readonly signal?: AbortSignal }) => Promise<unknown>;

  /** @throws TypeError for an option that cannot be used; it names the option and what was expected. */
  constructor(options: Options<Incoming, Outgoing>) {
    Object.assign(this, createClient(options));
  }

  /**
   * The messages from now on, each exactly once, kept until they are asked for. Ends when the socket
   * is closed on purpose.
   * @throws TwoStageError when it closes with a failure.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Incoming, void> {
    const kept: Incoming[] = [];
    let end: { readonly failure?: TwoStageError | undefined } | undefined;
    let wake = () => {};
    const stop = (close: typeof end) => {
      end ??= close;
      for (const off of offs) off();
      wake();
    };
    const offs = [
      this.on('message', (message) => {
        kept.push(message);
        wake();
      }),
      this.on('close', stop),
    ];
    const state = this.getSnapshot();
    if (state.status === 'closed') stop(state);

    const messages = (async function* () {
      while (kept.length || !end) {
        if (kept.length) yield kept.shift() as Incoming;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      if (end.failure) throw end.failure;
    })();
    const finish = messages.return.bind(messages);
    return Object.assign(messages, {
      // One that waits for a message would wait for that first.
      return() {
        kept.length = 0;
        stop({});
        return finish();
      },
    });
  }

  /** `close()`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
