import { toAddress } from './address.ts';
import { jsonCodec } from './codec.ts';
import { type Connection, createConnection, v1 } from './connection.ts';
import type { ErrorCode, Failure, Stage } from './errors.ts';
import { appFacts, closeFacts, type Facts } from './failure.ts';
import type { Settings } from './options.ts';
import { toShape } from './shape.ts';
import type { Tokens } from './token.ts';
import type {
  Context,
  Options,
  PayloadContext,
  Reason,
  Token,
  UrlContext,
  WebSocketLike,
  Wire,
} from './types.ts';

const blamesCredentials: readonly ErrorCode[] = ['unauthorized', 'init-dropped', 'renew-timeout'];

type Verdict = Options['isReady'];

/** What an attempt tells its socket. None of it is called once the attempt has ended. */
export interface Progress {
  /** It is in this stage now; stage `token` is skipped where no token is fetched. */
  stage(stage: Exclude<Stage, 'ready'>): void;
  ready(ack: unknown, wire: Wire): void;
  message(message: unknown): void;
  /** Something went wrong that does not end the connection. */
  trouble(failure: Failure): void;
  /** The server is about to end the connection, and says in how many ms another is best opened. */
  goingAway(retryAfter: number): void;
  /** It is over, and not because `end` was called. */
  failed(failure: Failure): void;
}

/** One try at both stages, and the connection that comes of it, until that ends. */
export interface Attempt {
  /** There while it is ready. */
  readonly connection: Connection | undefined;
  start(): void;
  /** Ends it at once: no handler runs after this, and no close handshake is waited for. */
  end(closeCode?: number, reason?: string): void;
}

export function createAttempt(
  settings: Settings,
  tokens: Tokens,
  about: Omit<Context, 'signal'>,
  progress: Progress,
): Attempt {
  const closedState = 3;

  const controller = new AbortController();
  const { signal } = controller;
  const context: Context = { ...about, signal };
  const hasPayload = 'initPayload' in settings;
  let stage: Stage = 'token';
  let connection: Connection | undefined;
  let ws: WebSocketLike | undefined;
  let cancelWatchdog: (() => void) | undefined;
  let announced: Stage | undefined;
  let tokenWentBefore = false;
  let offersV1 = false;
  let payload: unknown;
  let initSent = !hasPayload;
  let received: string | undefined;

  const end = (
    closeCode = 1000,
    reason?: string,
    failure: Failure = { stage: 'ready', code: 'closed' },
  ) => {
    if (signal.aborted) return;
    cancelWatchdog?.();
    controller.abort();
    connection?.stop(failure);
    connection = undefined;
    if (!ws) return;
    // `onerror` stays: `ws` throws an error that nobody listens to, and closing early is one.
    ws.onopen = ws.onmessage = ws.onclose = null;
    try {
      ws.close(closeCode, reason);
    } catch {
      // One that is broken is let go all the same.
    }
  };

  const fail = (facts: Facts & { readonly stage?: Stage }, closeCode?: number) => {
    if (signal.aborted) return;
    const failure = { stage, received, ...facts };
    end(closeCode, undefined, failure);
    if (failure.stage === 'connect' && tokenWentBefore && tokens.doubt()) {
      failure.code = 'token-suspect';
    }
    if (blamesCredentials.includes(failure.code)) tokens.drop();
    progress.failed(failure);
  };

  const failInit = (error: unknown) => fail({ stage: 'init', ...appFacts('init-failed', error) });

  const enter = (next: Exclude<Stage, 'ready'>, told = next) => {
    stage = next;
    cancelWatchdog?.();
    const timeout = settings.timeouts[next];
    cancelWatchdog = timeout
      ? settings.environment.after(timeout, () => fail({ code: `${next}-timeout` }))
      : undefined;
    if (announced === told) return;
    announced = told;
    progress.stage(told);
  };

  const askPayload = async (reason: Reason, challenge?: unknown) => {
    const given = await ask<PayloadContext>(settings.initPayload, {
      ...context,
      reason,
      challenge,
    });
    if (given === undefined) throw new TypeError('initPayload gave undefined');
    return given;
  };

  const becomeReady = (ack?: any) => {
    received = undefined;
    const isV1 = ack?.type === 'ready' && (offersV1 || !settings.isReady);
    connection = createConnection(
      settings,
      ws as WebSocketLike,
      isV1,
      ack,
      () => askPayload('renew'),
      {
        ...progress,
        messages: receive,
        lost: fail,
      },
    );
    if (hasPayload) connection.acknowledged(ack);
    if (signal.aborted) return;
    // Not before: an ack that cannot be read has to fail a stage that is still bounded.
    cancelWatchdog?.();
    stage = 'ready';
    progress.ready(ack, isV1 ? v1 : 'original');
  };

  const sendInit = () => {
    if (stage !== 'init' || payload === undefined) return;
    const frame = (offersV1 ? jsonCodec : settings.codec).encode(payload);
    if (signal.aborted) return;
    initSent = true;
    ws?.send(frame);
  };

  const askInit = async (challenge?: unknown) => {
    try {
      payload = await askPayload(context.reason, challenge);
      sendInit();
      // One that is the ack as well has waited for the payload to leave.
      if (challenge !== undefined && !connection) judge(challenge);
    } catch (error) {
      failInit(error);
    }
  };

  /** What a message before ready says. */
  const judge = (message: unknown, isChallenge?: Verdict) => {
    const { isReady = isAck, isRejected } = settings;
    // The app's functions may end the attempt that asks them.
    const is = (verdict?: Verdict) => !signal.aborted && verdict?.(message) && !signal.aborted;
    received = toShape(message);
    // What comes before the init payload has left cannot be an answer to it.
    if (initSent && is(isReady)) becomeReady(message);
    else if (is(isRejected)) fail({ code: 'unauthorized' });
    else if (is(isChallenge)) askInit(message);
  };

  const receive = (messages: Iterable<unknown>) => {
    for (const message of messages) {
      if (signal.aborted) return;
      if (!connection) judge(message, settings.isChallenge);
      else if (!connection.takes(message) && !signal.aborted) progress.message(message);
    }
  };

  const read = (data: string | ArrayBuffer) => {
    if (connection) return connection.read(data);
    // A codec may make nothing of it.
    received = toShape(data);
    receive((typeof data === 'string' && offersV1 ? jsonCodec : settings.codec).decode(data));
  };

  const connect = (url: string | URL, token: Token | undefined) => {
    const { WebSocket = globalThis.WebSocket } = settings;
    enter('connect');
    if (signal.aborted) return;
    if (!WebSocket) return fail({ code: 'websocket-missing' });
    try {
      const [href, protocols] = toAddress(url, token, settings, globalThis.location?.href);
      if (signal.aborted) return;
      offersV1 = protocols.includes(v1);
      ws = new WebSocket(href, protocols);
    } catch {
      // Not a cause: it holds the URL, and that holds the token.
      return fail({ code: 'address-refused' });
    }
    ws.onerror = () => {
      if (signal.aborted || ws?.readyState !== closedState) return;
      // Where the page's policy forbids the address, Chromium sends no `close` after it.
      cancelWatchdog?.();
      cancelWatchdog = settings.environment.after(0, () => fail(closeFacts(stage, 1006, '')));
    };
    if (signal.aborted) return ws.close();
    tokenWentBefore = token !== undefined && tokens.dial();
    ws.binaryType = 'arraybuffer';
    ws.onclose = ({ code = 1006, reason = '' }) => fail(closeFacts(stage, code, reason));
    ws.onopen = () => {
      tokens.opened();
      // With `isReady` alone, a server is ready by its own word.
      if (!hasPayload && !settings.isReady) return becomeReady();
      enter('init');
      try {
        sendInit();
      } catch (error) {
        failInit(error);
      }
    };
    ws.onmessage = ({ data }) => {
      try {
        read(data);
      } catch (error) {
        if (stage !== 'ready') failInit(error);
        else if (!signal.aborted) progress.trouble({ stage, code: 'frame-invalid', cause: error });
      }
    };
  };

  const start = async () => {
    const { url, getToken } = settings;
    let code: ErrorCode = 'token-failed';
    try {
      let token = tokens.reuse();
      const needsToken = !token && getToken;
      enter('token', needsToken ? 'token' : 'connect');
      if (hasPayload && !settings.isChallenge && !signal.aborted) askInit();
      if (needsToken && !signal.aborted) {
        token = await tokens.fetch(getToken, context);
      }
      code = 'url-failed';
      if (signal.aborted) return;
      const address = await ask<UrlContext>(token?.url ?? url, { ...context, token });
      if (!signal.aborted) connect(address, token);
    } catch (error) {
      const cause = code === 'token-failed' ? error : undefined;
      // `url` has seen the token, and an invalid URL is told in full by the error that it makes.
      fail({ ...appFacts(code, error), cause });
    }
  };

  return {
    start,
    end,
    get connection() {
      return connection;
    },
  };
}

/** Asks the app; what a function throws at once becomes a rejection like any other. */
async function ask<T extends Context>(given: any, context: T): Promise<any> {
  return typeof given === 'function' ? given(context) : given;
}

/** The acks of both wires. */
export function isAck(message: any): boolean {
  return message === 'authentication successful' || message?.type === 'ready';
}
