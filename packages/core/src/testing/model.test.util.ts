import fc from 'fast-check';
import { TwoStageError } from '../errors.ts';
import { TwoStageSocket } from '../socket.ts';
import type { Context, Options, TokenContext } from '../types.ts';
import { FakeEnvironment, FakeWebSocket, originalAck, settle, v1 } from './fakes.test.util.ts';
import { createLaws, type Line, secret } from './model-laws.test.util.ts';
import {
  anyRun,
  describeRun,
  events,
  isThrow,
  lead,
  type Nested,
  type Place,
  type Run,
  type Setup,
  type Step,
} from './model-script.test.util.ts';

const original = { interval: 5000, timeout: 3000 };
const heartbeatOfV1 = { interval: 25_000, timeout: 10_000 };

/** More timers in one step than any lawful run sets. */
const maxTimers = 10_000;

/** More timers at once than a client has uses for. */
const maxPending = 10;

const garbage = [
  '{"type":5}',
  '',
  '7',
  '[1',
  'null',
  '{"type":"pong"}',
  '[[]]',
  new ArrayBuffer(9),
];

/** What of it the framed wire allows. */
const isFrame = (data: unknown) => typeof data !== 'string' || data.includes('"type":"');

/** A spare is not fetched more often than this, in ms, on one connection. */
const spareInterval = 60_000;

const stableAfter = 10_000;

/** What is done, as a step or in the middle of one. */
type Deed = Step | Exclude<Nested, 'throw' | 'close and throw'>;

/** A promise of the app's that a step settles. */
interface Asked {
  readonly signal: AbortSignal;
  /** Whether an attempt needs it: the end of the attempt is the end of the question, and the other way round. */
  readonly isVital: boolean;
  readonly user: number;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A `TwoStageSocket` whose world answers only when a step says so, and which obeys the laws. */
function createModel(setup: Setup) {
  const laws = createLaws();
  const { lines, live, must } = laws;
  const world = new FakeEnvironment();
  const begunAt = world.now();
  const isV1 = setup.wire === v1 && setup.hasInit;
  const hasAck = setup.hasInit || setup.speaksFirst;
  const renews = setup.hasInit && (isV1 || setup.isOwn);
  const heartbeat = isV1 ? heartbeatOfV1 : setup.isOwn ? original : undefined;
  const ack = {
    type: 'ready',
    expiresIn: setup.payloadLife,
    heartbeat: heartbeatOfV1.interval,
  };
  const tokens: Asked[] = [];
  const payloads: Asked[] = [];
  const releases: (() => void)[] = [];
  const armed = new Map<Place, Nested[]>();
  const spent = new Set<string>();
  /** Attempts for which the app has failed. */
  const failed: AbortSignal[] = [];
  const renewals: { readonly line: Line | undefined; isSettled: boolean }[] = [];
  const readies: { isSettled: boolean }[] = [];
  let user = 1;
  let minted = 0;
  let garbled = 0;
  let awake = 0;
  let timers = 0;
  /** Whether every question is answered at once. */
  let isWell = false;
  let isRefresh = setup.policy === 'refresh';
  let policy: 'refresh' | 'reuse' = isRefresh ? 'refresh' : 'reuse';
  let timeout = 10_000;
  let verdict: number | false | undefined;
  // What the methods say of themselves, kept beside the socket.
  let isConnected = false;
  let holders = 0;
  let isOpen = false;
  let graceUntil = 0;
  let spares = 0;
  let handovers = 0;
  /** When it slept last, or the app failed in the middle of something, in ms awake. */
  let disturbedAt = -1;
  // What the server has said of the credentials since it was opened, or stable.
  let rejections = 0;
  let isBanned = false;

  const hook = (place: Place) => {
    const step = armed.get(place)?.shift();
    if (!step) return;
    if (step !== 'throw') take(step === 'close and throw' ? 'close' : step);
    if (!isThrow(step)) return;
    disturbedAt = awake;
    throw new Error('clumsy');
  };
  const listensTo = (signal: AbortSignal) => {
    if (laws.signals.has(signal)) return;
    laws.signals.add(signal);
    signal.addEventListener('abort', () => hook('abort'));
  };
  /** The socket calls the app, on behalf of an attempt where that has a signal. */
  const called = (place: Place, signal?: AbortSignal) => {
    const { status } = socket.getSnapshot();
    must(status !== 'closed' && status !== 'idle', `C3: ${place} is called in ${status}`);
    try {
      hook(place);
    } catch (error) {
      if (signal) failed.push(signal);
      throw error;
    }
  };

  const newToken = (owner: number) => {
    minted += 1;
    const { tokenLife } = setup;
    return {
      token: `${secret} token ${minted} u${owner}`,
      protocol: isV1 ? v1 : undefined,
      reusable: { refresh: undefined, reuse: undefined, reusable: true, 'single-use': false }[
        setup.policy
      ],
      [tokenLife === 'garbage' ? 'expiresAt' : 'expiresIn']: tokenLife,
    };
  };
  const newPayload = (owner: number) => ({ type: 'jwt', token: `${secret} jwt u${owner}` });

  const ask = (asked: Asked[], { signal, reason }: Context) =>
    new Promise<any>((resolve, reject) => {
      const isVital = reason !== 'prefetch' && reason !== 'renew';
      asked.push({ signal, isVital, user, resolve, reject });
    });
  const fails = (asked: Asked[], settleIt: (asked: Asked) => void) =>
    answer(asked, false, (one) => {
      if (one.isVital) failed.push(one.signal);
      settleIt(one);
    });

  const getToken = (context: TokenContext) => {
    listensTo(context.signal);
    const isSpare = context.reason === 'prefetch';
    if (isSpare) spares += 1;
    must(
      spares <= lines.length + handovers + (world.now() - begunAt) / spareInterval,
      'C5: spares on end',
    );
    const fetch = { signal: context.signal, isOver: false };
    laws.fetches.push(fetch);
    must(
      laws.fetches.filter(({ signal, isOver }) => !isOver && !signal.aborted).length <= 1,
      'C2: one token fetch',
    );
    must(!context.previous?.token.includes(` u${user - 1}`), "C4: another user's previous token");
    const over = () => {
      fetch.isOver = true;
    };
    try {
      called('getToken', isSpare ? undefined : context.signal);
      if (isWell) return newToken(user);
    } catch (error) {
      over();
      throw error;
    } finally {
      if (isWell) over();
    }
    const asked = ask(tokens, context);
    asked.then(over, over);
    return asked;
  };
  const initPayload = (context: Context) => {
    listensTo(context.signal);
    const owner = user;
    called('initPayload', context.reason === 'renew' ? undefined : context.signal);
    return isWell ? newPayload(owner) : ask(payloads, context);
  };

  class ModelLine extends FakeWebSocket implements Line {
    readonly owner = user;
    isAcked = false;
    isTold = false;
    isGoingAway = false;
    deadAt: number | undefined;
    ackedAt = Number.NaN;
    refuses = false;

    constructor(url: string, protocols?: string[]) {
      super(url, protocols);
      const token = setup.hasToken ? (this.token as string) : undefined;
      must(!isBanned, 'C5: it comes back, though the server said not to');
      laws.dialled(this, token, token !== undefined && spent.has(token));
      if (token !== undefined && isRefresh) spent.add(token);
    }

    override send(frame: unknown) {
      const text = String(frame);
      if (this.refuses && / m\d/.test(text)) {
        this.refuses = false;
        throw new Error('send: no');
      }
      laws.left(this, frame, this.sent.length === 0);
      super.send(frame);
      // The server answers pings by itself.
      if (text === 'ping' || text === '{"type":"ping"}') {
        Promise.resolve().then(() => this.hear(isV1 ? '{"type":"pong"}' : 'pong'));
      }
    }

    /** The server says something, if it can. */
    hear(data: unknown) {
      if (this.deadAt === undefined && this.readyState === 1) this.say(data);
    }

    acceptIt() {
      if (this.readyState !== 0) return;
      if (!hasAck) this.isAcked = true;
      this.ackedAt = world.now();
      if (setup.policy === 'single-use' && setup.hasToken) spent.add(this.token as string);
      this.accept(isV1 ? v1 : '');
      if (setup.hasInit && setup.speaksFirst) this.hear('challenge');
    }

    ackIt() {
      if (!hasAck || this.readyState !== 1) return;
      if (setup.hasInit && !this.sent.length) return;
      if (this.isAcked && !renews) return;
      this.isAcked = true;
      this.ackedAt = world.now();
      this.hear(isV1 ? ack : originalAck);
    }

    end(code: number) {
      if (this.deadAt === undefined && this.readyState < 3) {
        if (live().length === 1 && this.readyState === 1) judge(this, code);
        this.drop(code, code === 4429 ? 'retry-after=3000' : '');
      }
    }
  }

  const given: Options<any, any> = {
    url: ({ signal }) => {
      called('url', signal);
      return 'wss://example.test/';
    },
    ...(setup.hasToken
      ? {
          getToken,
          tokenIn: (url: string, token: string) => {
            called('tokenIn');
            return `${url}?token=${encodeURIComponent(token)}`;
          },
        }
      : { protocols: isV1 ? v1 : [] }),
    ...(setup.hasInit && { initPayload }),
    tokenRetry: setup.policy === 'reusable' ? undefined : policy,
    prefetch: setup.prefetch,
    isRejected: (message: any) => {
      called('isRejected');
      return message === 'no' || message?.type === 'no';
    },
    retry: {
      decide: () => {
        called('decide');
        const decision = verdict;
        verdict = undefined;
        return decision;
      },
    },
    ...((setup.isOwn || setup.speaksFirst) &&
      hasAck && {
        isReady: (message: any) => {
          called('isReady');
          return message === originalAck || message?.type === 'ready';
        },
      }),
    ...(setup.speaksFirst && {
      isChallenge: (message: any) => {
        called('isChallenge');
        return message === 'challenge';
      },
    }),
    ...(setup.isOwn && {
      expiresIn: () => {
        called('expiresIn');
        return setup.payloadLife;
      },
      codec: {
        encode: (message) => {
          hook('encode');
          laws.encoded(message);
          return typeof message === 'string' ? message : JSON.stringify(message);
        },
        *decode(frame) {
          called('decode');
          yield frame;
          // It is the app's own, and may go on when the socket does not.
          hook('decode');
        },
      },
      heartbeat: {
        ...(isV1 ? {} : original),
        ping: () => {
          called('ping');
          return 'ping';
        },
        isPong: (message) => {
          called('isPong');
          return message === 'pong';
        },
        pong: (message) => {
          called('pong');
          return message === 'are you there' ? 'pong' : undefined;
        },
      },
    }),
    WebSocket: ModelLine,
    environment: {
      now: world.now,
      random: world.random,
      page: world.page,
      after(ms, callback) {
        timers += 1;
        if (timers < maxTimers) return world.after(ms, callback);
        must(false, 'C5: a storm of timers');
        return () => {};
      },
    },
  };
  const socket = new TwoStageSocket<any, any>(given);
  for (const event of events) {
    socket.on(event, (payload: any) => {
      laws.told(event, payload, socket.getSnapshot(), user);
      hook(event);
    });
  }

  const openIt = () => {
    rejections = 0;
    isBanned = false;
    laws.opened();
    isOpen = true;
    graceUntil = 0;
  };
  /** What a client that has no other connection must make of the server's close. */
  const judge = (line: ModelLine, code: number) => {
    const isDecided = verdict !== undefined || armed.get('decide')?.length;
    if (line.isAcked && world.now() - line.ackedAt >= stableAfter) rejections = 0;
    if (code === 4401) rejections += 1;
    const isFinal = code === 4403 || code === 4400 || (code === 4401 && rejections > 1);
    if (!isDecided) isBanned = isFinal;
  };
  const send = () => {
    const [id, text] = laws.compose(user);
    try {
      laws.sent(id, socket.send(text));
    } catch {
      laws.sent(id, 'threw');
    }
  };
  const newest = () => lines.findLast((line) => line.live) as ModelLine | undefined;
  const oldest = () => live()[0] as ModelLine | undefined;
  const answer = (asked: Asked[], isLate: boolean, settleIt: (asked: Asked) => void) => {
    const index = asked.findIndex(({ signal }) => signal.aborted === isLate);
    if (index < 0) return false;
    for (const one of asked.splice(index, 1)) settleIt(one);
    return true;
  };
  const tokenComes = (isLate = false) =>
    answer(tokens, isLate, (asked) => {
      const token = newToken(asked.user);
      // Nobody wants it any more.
      if (isLate) spent.add(token.token);
      asked.resolve(token);
    });
  const payloadComes = (isLate = false) =>
    answer(payloads, isLate, (asked) => asked.resolve(newPayload(asked.user)));
  const die = (line: ModelLine | undefined) => {
    // Without a heartbeat nobody can know.
    if (line && heartbeat && line.isAcked) line.deadAt ??= awake;
  };
  const note = (promise: Promise<unknown>, entry: { isSettled: boolean }, isError: boolean) => {
    const over = () => {
      entry.isSettled = true;
    };
    promise.then(over, (error) => {
      over();
      must(!isError || error instanceof TwoStageError, 'renew() rejects with a TwoStageError');
    });
  };
  const ageBy = (ms: number) => {
    const then = world.now() + ms;
    // However it ends: one that has been stable takes back what was held against the credentials.
    if ((live() as ModelLine[]).some(({ ackedAt }) => then - ackedAt >= stableAfter)) {
      rejections = -1;
    }
  };
  const sleep = (ms: number) => {
    disturbedAt = awake;
    ageBy(ms);
    world.sleep(ms);
  };
  const wait = async (ms: number) => {
    ageBy(ms);
    await world.advance(ms);
    awake += ms;
  };

  const does: { readonly [step in Deed]: () => unknown } = {
    'go on': () => {
      const line = newest();
      if (tokenComes() || payloadComes()) return;
      if (line?.readyState === 0) line.acceptIt();
      else if (line && !line.isAcked) line.ackIt();
      else if (socket.getSnapshot().status === 'waiting') return wait(1000);
    },
    connect: () => {
      isConnected = true;
      openIt();
      socket.connect();
    },
    close: () => {
      isConnected = isOpen = false;
      graceUntil = 0;
      socket.close();
    },
    reconnect: () => {
      isConnected ||= !holders;
      openIt();
      socket.reconnect();
    },
    send,
    'switch user': () => {
      user += 1;
      does.close();
      does.connect();
    },
    retain: () => {
      graceUntil = 0;
      if (holders++ === 0) openIt();
      releases.push(socket.retain());
    },
    release: () => {
      const release = releases.shift();
      if (!release) return;
      if (--holders === 0 && !isConnected && isOpen) graceUntil = awake + 1000;
      release();
      release();
    },
    renew: () => {
      const renewal = { line: live().findLast(({ isAcked }) => isAcked), isSettled: false };
      renewals.push(renewal);
      note(socket.renew(), renewal, true);
    },
    check: () => socket.check(),
    'check on and on': async () => {
      for (let second = 0; second < 40; second += 1) {
        socket.check();
        await wait(1000);
        check();
      }
    },
    'await ready': () => {
      const ready = { isSettled: false };
      readies.push(ready);
      note(socket.ready(), ready, true);
    },
    'wait 10': () => wait(10),
    'wait 1000': () => wait(1000),
    'wait 11000': () => wait(11_000),
    'wait 70000': () => wait(70_000),
    'sleep 5000': () => sleep(5000),
    'sleep 3600000': () => sleep(3_600_000),
    'doze on and on': async () => {
      for (let round = 0; round < 15; round += 1) {
        sleep(5000);
        await wait(1500);
        check();
      }
    },
    'token comes': () => tokenComes(),
    'token fails': () => fails(tokens, ({ reject }) => reject({ status: 503 })),
    'token refused': () => fails(tokens, ({ reject }) => reject({ status: 401 })),
    'token is none': () => fails(tokens, ({ resolve }) => resolve({ token: 5 })),
    'token comes late': () => tokenComes(true),
    'payload comes': () => payloadComes(),
    'payload fails': () => fails(payloads, ({ reject }) => reject(new Error('no JWT'))),
    'payload is undefined': () => fails(payloads, ({ resolve }) => resolve(undefined)),
    'payload comes late': () => payloadComes(true),
    accept: () => newest()?.acceptIt(),
    ack: () => newest()?.ackIt(),
    'ack early': () => {
      const line = newest();
      if (line && setup.hasInit && !line.sent.length) line.hear(isV1 ? ack : originalAck);
    },
    reject: () => {
      const line = newest();
      if (hasAck && !line?.isAcked) line?.hear(isV1 ? '{"type":"no"}' : 'no');
    },
    say: () => speak(newest()),
    garbage: () => {
      const line = newest();
      const data = garbage[garbled++ % garbage.length];
      const isBroken = isV1 && line?.isAcked && line.deadAt === undefined && !isFrame(data);
      line?.hear(data);
      must(!isBroken || !line?.live, 'C7: what is no frame of the wire is let pass');
    },
    'drop 1000': () => newest()?.end(1000),
    'drop 1006': () => newest()?.end(1006),
    'drop 1012': () => newest()?.end(1012),
    'drop 4400': () => newest()?.end(4400),
    'drop 4401': () => newest()?.end(4401),
    'drop 4403': () => newest()?.end(4403),
    'drop 4429': () => newest()?.end(4429),
    'going-away 0': () => goAway(0),
    'going-away 2000': () => goAway(2000),
    'old says': () => speak(oldest()),
    'old drops 1006': () => {
      const [first, second] = live();
      const isCalm = isQuiet() && verdict === undefined;
      (first as ModelLine | undefined)?.end(1006);
      must(!isCalm || !second || second.live, 'a loss in a handover takes the second along');
    },
    'old drops 4401': () => oldest()?.end(4401),
    'old drops 4403': () => oldest()?.end(4403),
    'old goes dead': () => die(oldest()),
    'go dead': () => die(newest()),
    'ghost speaks': () => {
      const ghost = lines.findLast((line) => !line.live);
      ghost?.say(isV1 ? '{"type":"message","data":"boo"}' : 'boo');
      ghost?.drop();
    },
    'go offline': () => world.goOffline(),
    'go online': () => world.goOnline(),
    hide: () => world.hide(),
    show: () => world.show(),
    pagehide: () => world.tell('pagehide'),
    pageshow: () => world.tell('pageshow'),
    resume: () => world.tell('resume'),
    'buffer fills': () => fill(newest(), 1e9),
    'buffer drains': () => fill(newest(), 0),
    'frame is refused': () => {
      const line = newest();
      if (line) line.refuses = true;
    },
    'queued frame is refused': () => {
      const line = oldest();
      fill(line, 1e9);
      send();
      fill(line, 0);
      if (line) line.refuses = true;
    },
    'configure tokenRetry': () => {
      if (setup.policy === 'single-use') return;
      // One that went out under the other policy may go out again.
      spent.clear();
      isRefresh = false;
      policy = policy === 'refresh' ? 'reuse' : 'refresh';
      socket.configure({ tokenRetry: policy });
    },
    'configure queue': () => socket.configure({ queue: { maxMessages: 2, maxAge: 0 } }),
    'configure prefetch': () => socket.configure({ prefetch: true }),
    'configure timeouts': () => {
      timeout = 11_000 - timeout;
      socket.configure({ timeouts: { init: timeout } });
    },
    'decide 0': () => {
      verdict = 0;
    },
    'decide 5000': () => {
      verdict = 5000;
    },
    'decide false': () => {
      verdict = false;
    },
    'luck 0': () => {
      world.chance = 0;
    },
    'luck 0.5': () => {
      world.chance = 0.5;
    },
    'luck 0.999': () => {
      world.chance = 0.999;
    },
  };
  /** Whether the app does nothing in the middle of what comes. */
  const isQuiet = () => [...armed.values()].every((steps) => !steps.length);
  const speak = (line: ModelLine | undefined) => {
    if (!line?.isAcked || line.deadAt !== undefined || line.readyState !== 1) return;
    const mustHear = isQuiet();
    const text = laws.say(line);
    line.hear(isV1 ? { type: 'message', data: text } : text);
    must(!mustHear || laws.hasHeard(), 'a message is lost');
  };
  const goAway = (retryAfter: number) => {
    const line = newest();
    if (!isV1 || !line?.isAcked || line.deadAt !== undefined) return;
    line.isGoingAway = true;
    handovers += 1;
    // The one that takes over starts counting anew where this one was stable.
    rejections = -1;
    line.hear({ type: 'going-away', retryAfter, deadline: 10_000 });
  };
  const fill = (line: ModelLine | undefined, bytes: number) => {
    if (line && line.deadAt === undefined) line.bufferedAmount = bytes;
  };
  const take = (step: Deed) => {
    const taken = does[step]();
    return taken instanceof Promise ? taken : undefined;
  };

  const check = () => {
    const now = socket.getSnapshot();
    const isClosed = now.status === 'closed' || now.status === 'idle';
    must(now.status === 'idle' || now === laws.lastTold, 'a new snapshot without a statechange');
    must(world.timers <= maxPending, 'too many timers');
    if (isClosed) {
      // What was queued before the first start expires too.
      must(world.timers <= +(now.status === 'idle'), 'C3: a timer outlives the close');
      must(world.pageListeners === 0, 'C3: a page listener outlives the close');
      must(live().length === 0, 'C3: a socket outlives the close');
      must(!lines.some(({ attached }) => attached), 'C3: a handler outlives the close');
      for (const signal of laws.signals) must(signal.aborted, 'C3: a signal outlives the close');
      const hasFailed = now.status === 'closed' && now.failure !== undefined;
      must(!isOpen || hasFailed || graceUntil > 0, 'it is closed, though it is wanted');
      if (hasFailed) isOpen = false;
    } else {
      must(isOpen, 'it is open, though it is not wanted');
    }
    const [first, second] = live();
    must(!second || !!first?.isGoingAway, 'C2: two connections without a handover');
    must(live().length <= 2, 'C2: more than two connections');
    for (const { deadAt, bufferedAmount } of live()) {
      if (deadAt === undefined || !heartbeat || bufferedAmount) continue;
      // After a sleep, or where the app could not say what to ask, it asks once more.
      const rounds = disturbedAt >= deadAt ? 2 : 1;
      const bound = rounds * (heartbeat.interval + heartbeat.timeout);
      must(awake - deadAt <= bound, 'C10: a dead connection is not noticed');
    }
    laws.check();
  };

  /** Once every promise that can settle has done so. */
  const checkSettled = () => {
    for (const { line, isSettled } of renewals) {
      must(isSettled || !!line?.live, 'renew() never settles');
    }
    for (const signal of failed.splice(0)) must(signal.aborted, 'C6: a failure is not heard');
    check();
  };

  return {
    laws,
    check,
    checkSettled,
    take,
    arm(step: Nested, place: Place) {
      armed.set(place, [...(armed.get(place) ?? []), step]);
    },

    /** Whatever went before, a world that is well makes a socket ready that is wanted. */
    async recover() {
      armed.clear();
      isWell = true;
      verdict = undefined;
      world.chance = 0.5;
      world.isOnline = world.isVisible = true;
      for (const line of live() as ModelLine[]) {
        line.bufferedAmount = 0;
        line.refuses = false;
      }
      for (const event of ['online', 'visibilitychange', 'pageshow'] as const) world.tell(event);
      checkSettled();
      const isReady = () =>
        socket.getSnapshot().status === 'ready' &&
        live().every(({ deadAt }) => deadAt === undefined);
      const count = () => lines.reduce((sum, { sent }) => sum + sent.length, 0);
      const isDone = () =>
        isReady() || socket.getSnapshot().status === 'closed' || (!isOpen && !graceUntil);
      // The slow lane is the longest wait: 5 min and a half of that.
      const end = awake + 600_000;
      while (awake < end && !isDone()) {
        const now = socket.getSnapshot();
        const left = now.status === 'waiting' && now.retryAt ? now.retryAt - world.now() : 0;
        await wait(Math.max(left, 500));
        for (const line of live() as ModelLine[]) {
          line.acceptIt();
          await settle();
          if (!line.isAcked) line.ackIt();
        }
        await settle();
        checkSettled();
      }
      must(isDone(), 'C10: the world is well, and the socket is not ready');
      if (isReady()) {
        // What is queued waits for a timer, where the buffer was full.
        await wait(100);
        const before = count();
        if (isReady()) send();
        must(!isReady() || count() > before, 'C9: ready, and nothing is sent');
      }
      checkSettled();
    },

    /** After a close nothing comes, whatever the world says. */
    async end() {
      for (const release of releases) release();
      does.close();
      check();
      await settle();
      for (const line of lines) {
        line.say('late');
        line.drop();
      }
      while (tokenComes(true) || payloadComes(true));
      must(tokens.length + payloads.length === 0, 'C3: a question outlives the close');
      world.goOnline();
      for (const event of ['resume', 'pagehide', 'pageshow'] as const) world.tell(event);
      await wait(600_000);
      for (const { isSettled } of readies) must(isSettled, 'ready() never settles');
      laws.account();
      checkSettled();
    },

    beginStep() {
      timers = 0;
    },
  };
}

/** Plays a run. Throws where it breaks a law. */
export async function play([setup, count, script]: Run): Promise<ReadonlySet<string>> {
  const { reportError } = globalThis;
  const { stackTraceLimit } = Error;
  globalThis.reportError = () => {};
  // Most runs make errors, and few need to say from where.
  Error.stackTraceLimit = 0;
  try {
    const model = createModel(setup);
    const step = async (name: Step, isLast = true) => {
      model.beginStep();
      const taken = model.take(name);
      model.check();
      // Time cannot go by within a tick.
      if (!isLast && !taken) return;
      await taken;
      await settle();
      model.checkSettled();
    };
    for (const name of lead.slice(0, count)) await step(name);
    for (const [name, manner] of script) {
      if (typeof manner !== 'string') model.arm(...manner);
      await step(name, manner !== 'tick');
    }
    await settle();
    model.beginStep();
    await model.recover();
    model.beginStep();
    await model.end();
    return model.laws.moves;
  } finally {
    globalThis.reportError = reportError;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

export interface Finding {
  readonly law: string;
  readonly seed: number;
  /** Where in the seed's runs it is, shrunk: `fast-check` finds it at once by it. */
  readonly path: string | null;
  /** How many runs it took to find it. */
  readonly runs: number;
  readonly script: string;
}

/** Plays the runs of a seed until one breaks a law; shrinks that. `moves` gets the arrows that were taken. */
export async function search(
  seed: number,
  numRuns: number,
  { path, moves }: { readonly path?: string | undefined; readonly moves?: Set<string> } = {},
): Promise<Finding | undefined> {
  const property = fc.asyncProperty(anyRun, async (run) => {
    const taken = await play(run);
    if (moves) for (const move of taken) moves.add(move);
  });
  const details = await fc.check(property, { seed, numRuns, ...(path && { path }) });
  if (!details.failed) return undefined;
  return {
    law: String((details.errorInstance as Error | undefined)?.message),
    seed,
    path: details.counterexamplePath,
    runs: details.numRuns,
    script: describeRun(details.counterexample?.[0] as Run),
  };
}
