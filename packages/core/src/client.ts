import { type Attempt, createAttempt } from './attempt.ts';
import { type Entry, isFrame } from './codec.ts';
import { createEmitter } from './emitter.ts';
import { type Failure, type Stage, TwoStageError } from './errors.ts';
import { toSettings } from './options.ts';
import { createQueue } from './queue.ts';
import { isRetryable, mayHurry, nextDelay, noHistory, record } from './retry.ts';
import { validate } from './schema.ts';
import type { TwoStageSocket } from './socket.ts';
import { createSpare } from './spare.ts';
import { createTokens } from './token.ts';
import type { Events, Options, PageEvent, Reason, State, Unsent, Waiting } from './types.ts';
import { startWait, type Wait } from './wait.ts';
import { whenReady } from './when-ready.ts';

const statuses = {
  token: 'fetching-token',
  connect: 'connecting',
  init: 'authenticating',
} as const;

const pageEvents: PageEvent[] = ['online', 'visibilitychange', 'resume', 'pagehide', 'pageshow'];

/** What a socket is doing before anything is asked of it, and what a server renders. */
export const idle: State = Object.freeze({ status: 'idle' });

type Cancel = (() => void) | undefined;

type Method = Exclude<keyof TwoStageSocket, symbol>;

/** The lifecycle behind a `TwoStageSocket`, where it is said what each method is for. */
export function createClient<Incoming, Outgoing>(
  options: Options<Incoming, Outgoing>,
): Pick<TwoStageSocket<Incoming, Outgoing>, Method> {
  /** How long a socket outlives its last holder, in ms: a remount or a route change costs nothing. */
  const grace = 1000;
  /** How often a socket whose buffer is full looks whether it has drained, in ms. */
  const drainInterval = 50;

  const settings = toSettings(options);
  const { on, emit, batch, retract } = createEmitter<Events<Incoming, Outgoing>>();
  const queue = createQueue(settings, (entries) => report(entries, 'expired'));
  /** As given: settings are made of it anew at each `configure`, not of settings. */
  let given = options;
  let tokens = createTokens(settings);
  let state: State = idle;
  let history = noHistory;
  let lastFailure: TwoStageError | undefined;
  let stage: Stage = 'token';
  let lastAck: unknown;
  let readyAt = Number.NaN;
  let isConnected = false;
  let holders = 0;
  let current: Attempt | undefined;
  /** What is to take over from the current one, whose server is going away. */
  let successor: Attempt | undefined;
  let successorStage: keyof typeof statuses = 'token';
  let waiting: Wait | undefined;
  let cancelGrace: Cancel;
  let cancelDrain: Cancel;
  let cancelHandover: Cancel;
  let stopListening: (() => void)[] = [];

  const enter = (entered: State) => {
    state = Object.freeze(entered);
    emit('statechange', state);
  };

  const enterStage = (entered: keyof typeof statuses) => {
    stage = entered;
    enter({ status: statuses[entered], attempt: history.tries + 1, failure: lastFailure });
  };

  const report = (entries: Entry[], reason: Unsent['reason']) =>
    batch(() => {
      for (const { message } of entries) emit('unsent', { message: message as Outgoing, reason });
    });

  const complain = (failure: Failure) => {
    const mayHelp = !/-invalid/.test(failure.code) && isRetryable(failure, history);
    emit('error', new TwoStageError(failure, mayHelp));
  };

  const spare = createSpare(settings, () => tokens, complain);

  const newAttempt = (reason: Reason) => {
    const attempt: Attempt = createAttempt(
      settings,
      tokens,
      { attempt: history.tries + 1, reason },
      {
        stage(entered) {
          if (attempt === successor) successorStage = entered;
          else enterStage(entered);
        },
        ready(ack, wire) {
          if (attempt === successor) {
            forgive();
            const before = current;
            current = successor;
            successor = undefined;
            before?.end();
            // Ending aborts a signal: whoever listens to it may have decided otherwise.
            if (attempt !== current) return;
          }
          stage = 'ready';
          lastAck = ack;
          readyAt = settings.environment.now();
          history = { ...history, drops: 0 };
          batch(() => {
            enter({ status: 'ready', attempt: history.tries + 1, wire });
            flush();
            emit('ready', { ack, wire });
          });
          if (attempt === current) spare.keep();
        },
        message(message) {
          // The schema may have ended the connection that asks it.
          const cause = validate(settings.schema, message, (value) => {
            if (attempt === current) emit('message', value as Incoming);
          });
          if (cause && attempt === current) complain({ stage, code: 'message-invalid', cause });
        },
        trouble: complain,
        goingAway(retryAfter) {
          const { after, random } = settings.environment;
          cancelHandover?.();
          if (!successor) cancelHandover = after(retryAfter + random() * 1000, handOver);
        },
        failed(failure) {
          if (attempt === current) lost(failure);
          else if (attempt === successor) {
            successor = undefined;
            const before = current;
            complain(failure);
            // A token route that has just refused one is not asked for a spare.
            if (failure.stage !== 'token' && current === before) spare.keep();
          }
        },
      },
    );
    return attempt;
  };

  const open = (reason: Reason) => {
    if (!['idle', 'closed'].includes(state.status)) return;
    history = noHistory;
    lastFailure = undefined;
    begin(reason);
  };

  const begin = (reason: Reason) => {
    if (!stopListening.length) {
      stopListening = pageEvents.map((event) =>
        settings.environment.page.on(event, () => onPage(event)),
      );
    }
    waiting = undefined;
    current = newAttempt(reason);
    current.start();
  };

  const handOver = () => {
    const before = current;
    spare.drop();
    if (current !== before) return;
    forgive();
    successor = newAttempt('handover');
    successor.start();
  };

  /** Not at the ack: who accepts and then drops must not bring a fleet back at the shortest delay. */
  const forgive = () => {
    const { environment, retry } = settings;
    if (environment.now() - readyAt >= retry.stableAfter) history = noHistory;
  };

  const lost = (failure: Failure) => {
    const { environment, retry } = settings;
    const before = current;
    forgive();
    const error = new TwoStageError(failure, isRetryable(failure, history));
    const delay = nextDelay(error, history, retry, environment.random());
    // `decide` may have closed the socket, or started it over.
    if (current !== before) return;
    if (delay === undefined) return shut(error);
    lastFailure = error;
    if (successor) {
      // What it says of the credentials counts, though the try that follows is under way.
      history = { ...record(history, failure), tries: history.tries };
      current = successor;
      successor = undefined;
      readyAt = Number.NaN;
      cancelDrain?.();
      batch(() => {
        enterStage(successorStage);
        emit('error', error);
      });
      return;
    }
    history = record(history, failure);
    if (!leave()) return;
    batch(() => {
      waiting = startWait(
        environment,
        delay,
        mayHurry(failure, history),
        (until) => enter({ status: 'waiting', attempt: history.tries, failure: error, ...until }),
        () => begin(error.code),
      );
      emit('error', error);
    });
  };

  const wake = (isBack: boolean) => {
    waiting?.wake(isBack);
    current?.connection?.probe();
  };

  const onPage = (event: PageEvent) => {
    const isSeen = settings.environment.page.visible();
    if (event === 'pagehide') {
      // A wait keeps no page out of the cache, and what the server said of it still holds.
      if (!current) return;
      forgive();
      lastFailure = new TwoStageError({ stage, code: 'page-hidden' }, true);
      if (!leave()) return;
      enter({
        status: 'waiting',
        attempt: history.tries + 1,
        failure: lastFailure,
        until: 'shown',
      });
    } else if ((state as Waiting).until === 'shown') {
      // A page that is seen has been shown, whether or not its browser says so.
      if (event === 'pageshow' || isSeen) begin('page-hidden');
    } else if (event !== 'pageshow' && (event !== 'visibilitychange' || isSeen)) {
      wake(event === 'online');
    }
  };

  const flush = () => {
    // Who is told of a frame that is refused may close the socket, and that empties the queue.
    batch(() =>
      queue.flush((entry) => {
        try {
          const isSent = current?.connection?.send(entry);
          if (isSent) emit('sent', entry.message as Outgoing);
          return isSent;
        } catch {
          report([entry], 'refused');
          return true;
        }
      }),
    );
    cancelDrain?.();
    cancelDrain = queue.length ? settings.environment.after(drainInterval, flush) : undefined;
  };

  /**
   * Lets go of all there is. Returns whether that is all that happened: it aborts signals, and whoever
   * listens to them may have decided otherwise.
   */
  const leave = (closeCode?: number, reason?: string) => {
    const before = state;
    // What may have a token fetch under way comes first: whoever hears of its end may begin another.
    const attempts = [successor, current];
    waiting?.cancel();
    current = successor = waiting = lastAck = undefined;
    readyAt = Number.NaN;
    cancelDrain?.();
    cancelHandover?.();
    spare.drop();
    for (const attempt of attempts) attempt?.end(closeCode, reason);
    return state === before;
  };

  const shut = (failure: TwoStageError | undefined, closeCode?: number, reason?: string) => {
    if (state.status === 'closed') return;
    cancelGrace?.();
    // Now, since whoever hears of the end may open it again, and listens anew.
    const stops = stopListening.splice(0);
    tokens = createTokens(settings);
    state = Object.freeze({ status: 'closed', failure });
    batch(() => {
      retract('sent', 'unsent');
      emit('statechange', state);
      if (failure) emit('error', failure);
      report(queue.clear(), 'closed');
      emit('close', { failure });
      leave(closeCode, reason);
      for (const stop of stops) stop?.();
    });
  };

  return {
    connect() {
      isConnected = true;
      cancelGrace?.();
      open('start');
    },
    close(code, reason) {
      checkClose(code, reason);
      isConnected = false;
      shut(undefined, code, reason);
    },
    reconnect() {
      isConnected ||= !holders;
      history = noHistory;
      lastFailure = undefined;
      tokens.drop();
      cancelGrace?.();
      if (leave()) begin('reconnect');
    },
    retain() {
      cancelGrace?.();
      if (holders++ === 0) open('start');
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        if (--holders || isConnected || state.status === 'closed') return;
        cancelGrace = settings.environment.after(grace, () => shut(undefined));
      };
    },
    send(message) {
      const { queue: limits, codec } = settings;
      const session = state.status !== 'closed' && tokens;
      const entry: Entry = { message, frame: codec.encode(message), codec };
      if (!isFrame(entry.frame)) throw new TypeError('send: codec.encode gave no frame');
      // The encoder may have closed it, which makes new `tokens`, and opened it for another user.
      if (session !== tokens) return 'refused';
      if (!queue.length && current?.connection?.send(entry)) {
        emit('sent', message);
        return 'sent';
      }
      if (!limits || !queue.push(entry, limits)) return 'refused';
      if (state.status === 'ready') flush();
      return 'queued';
    },
    renew() {
      const renewed =
        current?.connection?.renew() ??
        Promise.reject(new TwoStageError({ stage: 'ready', code: 'renew-failed' }, false));
      // Nobody has to listen.
      renewed.catch(() => {});
      return renewed;
    },
    check: () => wake(true),
    configure(changed) {
      const changedAll = { ...given, ...changed };
      Object.assign(settings, toSettings(changedAll));
      given = changedAll;
    },
    on,
    subscribe: (listener) => on('statechange', () => listener()),
    getSnapshot: () => state,
    ready: (wanted) => whenReady(on, state, lastAck, wanted),
  };
}

/** The limits of RFC 6455 sections 5.5 and 7.4, as the WebSocket API has them. */
function checkClose(code = 1000, reason = ''): void {
  if (!/^(1000|[34]\d{3})$/.test(String(code))) {
    throw new RangeError('close: the code must be 1000, or 3000 to 4999');
  }
  if (reason && new TextEncoder().encode(reason).length > 123) {
    throw new RangeError('close: the reason must be at most 123 bytes');
  }
}
