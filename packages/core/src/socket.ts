/// <reference lib="esnext.disposable" preserve="true" />
import { type Attempt, createAttempt } from './attempt.ts';
import { type Entry, isFrame } from './codec.ts';
import { createEmitter } from './emitter.ts';
import { type Failure, TwoStageError } from './errors.ts';
import { type Settings, toSettings } from './options.ts';
import { createQueue, type Queue } from './queue.ts';
import { isRetryable, mayHurry, nextDelay, noHistory, record } from './retry.ts';
import { createTokens, type Tokens } from './token.ts';
import type { Events, History, Options, Reason, State, Unsent } from './types.ts';
import { wait } from './wait.ts';

/** How long a socket outlives its last holder, in ms: a remount or a route change costs nothing. */
const grace = 1000;

/** How often a socket whose buffer is full looks whether it has drained, in ms. */
const drainInterval = 50;

const statuses = {
  token: 'fetching-token',
  connect: 'connecting',
  init: 'authenticating',
} as const;

const idle: State = Object.freeze({ status: 'idle' });

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
  #tokens: Tokens;
  /** As given: settings are made of it anew at each `configure`, not of settings. */
  #given: Options<Incoming, Outgoing>;
  #state: State = idle;
  #ack: unknown;
  #history: History = noHistory;
  #attempt: Attempt | undefined;
  #readyAt = Number.NaN;
  #connected = false;
  #holders = 0;
  #cancelWait: (() => void) | undefined;
  #cancelGrace: (() => void) | undefined;
  #cancelDrain: (() => void) | undefined;

  readonly #emitter = createEmitter<Events<Incoming, Outgoing>>();
  readonly #settings: Settings;
  readonly #queue: Queue;

  /** @throws TypeError for an option that cannot be used; it names the option and what was expected. */
  constructor(options: Options<Incoming, Outgoing>) {
    this.#settings = toSettings(options);
    this.#given = options;
    this.#tokens = createTokens(this.#settings);
    this.#queue = createQueue(this.#settings, (entries) => this.#report(entries, 'expired'));
  }

  /** Opens the socket, and keeps it open until `close`. Does nothing where it is open already. */
  readonly connect = (): void => {
    this.#connected = true;
    this.#cancelGrace?.();
    this.#open('start');
  };

  /**
   * Ends everything at once, from any state: attempt, connection, timers. Queued messages are reported
   * unsent. Only `connect`, `reconnect` or a first `retain` opens the socket again.
   * @param code 1000 (the default) or 3000 to 4999
   * @param reason At most 123 bytes of UTF-8.
   * @throws RangeError for another code or a longer reason; nothing has happened then.
   */
  readonly close = (code?: number, reason?: string): void => {
    checkClose(code, reason);
    this.#connected = false;
    this.#shut(undefined, code, reason);
  };

  /**
   * Starts over at once, with fresh credentials, from any state; what is queued stays queued. It is for
   * the same user: another one is `close`, then `connect`. Who holds the socket goes on holding it, however
   * it came to be closed; where nobody does, it is kept open as by `connect`.
   */
  readonly reconnect = (): void => {
    this.#connected ||= !this.#holders;
    this.#history = noHistory;
    this.#tokens.drop();
    this.#cancelGrace?.();
    const before = this.#state;
    this.#leave();
    // Leaving aborts a signal: whoever listens to it may have decided otherwise.
    if (this.#state === before) this.#begin('reconnect');
  };

  /**
   * Holds the socket open on behalf of a part of the app. The first holder opens it; it closes a second
   * after the last has let go, unless `connect` was called. Returns the release; calling that again
   * does nothing.
   */
  readonly retain = (): (() => void) => {
    this.#cancelGrace?.();
    if (this.#holders++ === 0) this.#open('start');
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--this.#holders || this.#connected || this.#state.status === 'closed') return;
      this.#cancelGrace = this.#settings.environment.after(grace, () => this.#shut(undefined));
    };
  };

  /**
   * Sends a message, or keeps it until the socket is ready. `refused` is a message that is not kept:
   * the socket is closed, or the queue is full or off. A message that was queued and cannot be sent is
   * reported by the event `unsent`. The message is read now: changing it later changes nothing.
   * @throws TypeError for a message that is neither a frame nor has JSON, and whatever `codec.encode` or
   * `WebSocket.send` throw.
   */
  readonly send = (message: Outgoing): 'sent' | 'queued' | 'refused' => {
    const { codec, queue } = this.#settings;
    const entry: Entry = { message, frame: codec.encode(message), codec };
    if (!isFrame(entry.frame)) throw new TypeError('send: codec.encode gave no frame');
    if (!this.#queue.length && this.#attempt?.send(entry)) return 'sent';
    if (!queue || this.#state.status === 'closed' || !this.#queue.push(entry, queue))
      return 'refused';
    if (this.#state.status === 'ready') this.#flush();
    return 'queued';
  };

  /**
   * Puts newer options in place of those given before; what is left out stays. Never reconnects: a newer
   * option is used when the next use of it comes, a function at its next call, an address or a credential
   * at the next attempt.
   * @throws TypeError as the constructor does; nothing has changed then.
   */
  readonly configure = (options: Partial<Options<Incoming, Outgoing>>): void => {
    const given = { ...this.#given, ...options };
    Object.assign(this.#settings, toSettings(given));
    this.#given = given;
  };

  /** Calls `listener` at each event; returns a function that stops that. */
  readonly on = <K extends keyof Events>(
    event: K,
    listener: (payload: Events<Incoming, Outgoing>[K]) => void,
  ): (() => void) => this.#emitter.on(event, listener);

  /** Calls `listener` after each change of state; returns a function that stops that. */
  readonly subscribe = (listener: () => void): (() => void) =>
    this.#emitter.on('statechange', () => listener());

  /** The state: the same object until it changes. */
  readonly getSnapshot = (): State => this.#state;

  /**
   * Resolves with the ack once the socket is ready, at once if it is. Does not open it.
   * @throws TwoStageError when the socket closes, or is closed: with the failure, else code `closed`.
   * @throws `signal.reason` when that aborts first.
   */
  readonly ready = ({ signal }: { readonly signal?: AbortSignal } = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const abort = () => settle(() => reject(signal?.reason));
      const close = ({ failure }: { readonly failure?: TwoStageError | undefined }) =>
        settle(() =>
          reject(failure ?? new TwoStageError({ stage: 'ready', code: 'closed' }, false)),
        );
      const offs = [
        this.on('ready', ({ ack }) => settle(() => resolve(ack))),
        this.on('close', close),
        () => signal?.removeEventListener('abort', abort),
      ];
      const settle = (action: () => void) => {
        for (const off of offs) off();
        action();
      };
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
      else if (this.#state.status === 'ready') settle(() => resolve(this.#ack));
      else if (this.#state.status === 'closed') close(this.#state);
    });

  /**
   * The messages from now on, each exactly once, kept until they are asked for. Ends when the socket
   * is closed on purpose.
   * @throws TwoStageError when it closes with a failure.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Incoming, void> {
    const kept: Incoming[] = [];
    let end: { readonly failure?: TwoStageError | undefined } | undefined;
    const wake: (() => void)[] = [];
    const stir = () => {
      for (const waiter of wake.splice(0)) waiter();
    };
    const stop = (close: typeof end) => {
      end ??= close;
      for (const off of offs) off();
      stir();
    };
    const offs = [
      this.on('message', (message) => {
        kept.push(message);
        stir();
      }),
      this.on('close', stop),
    ];
    if (this.#state.status === 'closed') stop(this.#state);

    return {
      async next() {
        while (!kept.length && !end) await new Promise<void>((resolve) => wake.push(resolve));
        if (kept.length) return { done: false, value: kept.shift() as Incoming };
        const failure = end?.failure;
        end = {};
        if (failure) throw failure;
        return { done: true, value: undefined };
      },
      async return() {
        kept.length = 0;
        stop({});
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** `close()`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(reason: Reason): void {
    const { status } = this.#state;
    if (status !== 'idle' && status !== 'closed') return;
    this.#history = noHistory;
    this.#begin(reason);
  }

  #begin(reason: Reason, failure?: TwoStageError): void {
    const attempt = this.#history.tries + 1;
    const current = createAttempt(
      this.#settings,
      this.#tokens,
      { attempt, reason },
      {
        stage: (stage) => this.#enter({ status: statuses[stage], attempt, failure }),
        ready: (ack, wire) => {
          this.#ack = ack;
          this.#readyAt = this.#settings.environment.now();
          this.#history = { ...this.#history, drops: 0 };
          this.#emitter.batch(() => {
            this.#enter({ status: 'ready', attempt, wire });
            this.#flush();
            this.#emitter.emit('ready', { ack, wire });
          });
        },
        message: (message) => this.#emitter.emit('message', message as Incoming),
        trouble: (failure) => this.#emitter.emit('error', new TwoStageError(failure, false)),
        failed: (failure) => this.#lost(failure, current),
      },
    );
    this.#attempt = current;
    current.start();
  }

  #enter(state: State): void {
    this.#state = Object.freeze(state);
    this.#emitter.emit('statechange', state);
  }

  #lost(failure: Failure, attempt: Attempt): void {
    if (this.#attempt !== attempt) return;
    const { environment, retry } = this.#settings;
    // Not at the ack: who accepts and then drops must not bring a fleet back at the shortest delay.
    if (environment.now() - this.#readyAt >= retry.stableAfter) this.#history = noHistory;
    const error = new TwoStageError(failure, isRetryable(failure, this.#history));
    const delay = nextDelay(error, this.#history, retry, environment.random());
    // `decide` may have closed the socket, or started it over.
    if (this.#attempt !== attempt) return;
    if (delay === undefined) {
      this.#shut(error);
      return;
    }

    this.#history = record(this.#history, failure);
    this.#leave();
    this.#emitter.batch(() => {
      this.#cancelWait = wait(
        environment,
        delay,
        mayHurry(failure, this.#history),
        (until) =>
          this.#enter({
            status: 'waiting',
            attempt: this.#history.tries,
            failure: error,
            ...until,
          }),
        () => this.#begin(error.code, error),
      );
      this.#emitter.emit('error', error);
    });
  }

  #flush(): void {
    const { after } = this.#settings.environment;
    this.#queue.flush((entry) => {
      try {
        return this.#attempt?.send(entry) ?? false;
      } catch {
        this.#report([entry], 'refused');
        return true;
      }
    });
    this.#cancelDrain?.();
    this.#cancelDrain = this.#queue.length ? after(drainInterval, () => this.#flush()) : undefined;
  }

  /** Lets go of the attempt, whatever it has come to. */
  #leave(closeCode?: number, reason?: string): void {
    const attempt = this.#attempt;
    this.#attempt = this.#ack = undefined;
    this.#readyAt = Number.NaN;
    this.#cancelWait?.();
    this.#cancelDrain?.();
    attempt?.end(closeCode, reason);
  }

  #shut(failure: TwoStageError | undefined, closeCode?: number, reason?: string): void {
    if (this.#state.status === 'closed') return;
    this.#cancelGrace?.();
    this.#tokens = createTokens(this.#settings);
    this.#state = Object.freeze({ status: 'closed', failure });
    this.#emitter.batch(() => {
      this.#emitter.retract('unsent');
      this.#emitter.emit('statechange', this.#state);
      if (failure) this.#emitter.emit('error', failure);
      this.#report(this.#queue.clear(), 'closed');
      this.#emitter.emit('close', { failure });
      this.#leave(closeCode, reason);
    });
  }

  #report(entries: Entry[], reason: Unsent['reason']): void {
    this.#emitter.batch(() => {
      for (const { message } of entries) {
        this.#emitter.emit('unsent', { message: message as Outgoing, reason });
      }
    });
  }
}

/** The limits of RFC 6455 sections 5.5 and 7.4, as the WebSocket API has them. */
function checkClose(code = 1000, reason = ''): void {
  if (code !== 1000 && !(Number.isInteger(code) && code >= 3000 && code < 5000)) {
    throw new RangeError('close: the code must be 1000, or 3000 to 4999');
  }
  if (reason && new TextEncoder().encode(reason).length > 123) {
    throw new RangeError('close: the reason must be at most 123 bytes');
  }
}
