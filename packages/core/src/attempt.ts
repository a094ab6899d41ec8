import { toAddress } from './address.ts';
import { fromEnvelope, jsonCodec, parseControl, toEnvelope } from './codec.ts';
import type { ErrorCode, Failure, Stage } from './errors.ts';
import { appFailure, closeFailure } from './failure.ts';
import type { Settings } from './options.ts';
import type { Entry } from './queue.ts';
import type { Tokens } from './token.ts';
import type { Codec, Context, Token, UrlContext, WebSocketLike, Wire } from './types.ts';

const openState = 1;
const v1 = 'two-stage.v1';

/** What an attempt tells its socket. None of it is called once the attempt has ended. */
export interface Progress {
  stage(stage: 'connect' | 'init'): void;
  ready(ack: unknown, wire: Wire): void;
  message(message: unknown): void;
  /** Something went wrong that does not end the connection. */
  trouble(failure: Failure): void;
  /** It is over, and not because `end` was called. */
  failed(failure: Failure): void;
}

/** One try at both stages, and the connection that comes of it, until that ends. */
export interface Attempt {
  /** Aborted when it has ended. */
  readonly signal: AbortSignal;
  start(): void;
  /** Sends a message of the application; false where the connection cannot take it now. */
  send(entry: Entry): boolean;
  /** Ends it at once: no handler runs after this, and no close handshake is waited for. */
  end(closeCode?: number, reason?: string): void;
}

export function createAttempt(
  settings: Settings,
  tokens: Tokens,
  about: Omit<Context, 'signal'>,
  progress: Progress,
): Attempt {
  const controller = new AbortController();
  const { signal } = controller;
  const context: Context = { ...about, signal };
  let stage: Stage = 'token';
  let wire: Wire = 'original';
  let ws: WebSocketLike | undefined;
  let cancelWatchdog: (() => void) | undefined;
  let tokenWentBefore = false;
  let offersV1 = false;
  let payload: { readonly value: unknown } | undefined;
  let initSent = false;

  const end = (closeCode = 1000, reason?: string) => {
    if (signal.aborted) return;
    cancelWatchdog?.();
    controller.abort();
    if (!ws) return;
    // `onerror` stays: `ws` throws an error that nobody listens to, and closing early is one.
    ws.onopen = ws.onmessage = ws.onclose = null;
    ws.close(closeCode, reason);
  };

  const fail = (failure: Failure, closeCode?: number) => {
    if (signal.aborted) return;
    end(closeCode);
    const suspect = failure.stage === 'connect' && tokenWentBefore && tokens.doubt();
    progress.failed(
      suspect && failure.code === 'connect-failed'
        ? { ...failure, code: 'token-suspect' }
        : failure,
    );
  };

  const enter = (next: Stage, timeout: number, code: ErrorCode) => {
    stage = next;
    cancelWatchdog?.();
    cancelWatchdog = timeout
      ? settings.environment.after(timeout, () => fail({ stage, code }))
      : undefined;
  };

  const becomeReady = (ack: any) => {
    const { isReady } = settings;
    if (ack?.type === 'ready' && (offersV1 || !isReady)) wire = v1;
    enter('ready', 0, 'connection-lost');
    progress.ready(ack, wire);
  };

  const initCodec = (): Codec => (offersV1 ? jsonCodec : settings.codec);

  const sendInit = () => {
    if (stage !== 'init' || !payload || initSent) return;
    initSent = true;
    try {
      ws?.send(initCodec().encode(payload.value));
    } catch (error) {
      fail(appFailure('init', 'init-failed', error));
    }
  };

  const askInit = async () => {
    try {
      const value = await ask(settings.initPayload, context);
      if (value === undefined) throw new TypeError('initPayload gave undefined');
      payload = { value };
      sendInit();
    } catch (error) {
      fail(appFailure('init', 'init-failed', error));
    }
  };

  const receive = (messages: Iterable<unknown>) => {
    const { isReady = isAck, isRejected } = settings;
    for (const message of messages) {
      if (stage === 'ready') progress.message(message);
      // What comes before the init payload has left cannot be an answer to it.
      else if (initSent && isReady(message)) becomeReady(message);
      else if (isRejected?.(message)) fail({ stage, code: 'unauthorized' });
      if (signal.aborted) return;
    }
  };

  const read = (data: string | ArrayBuffer) => {
    const isText = typeof data === 'string';
    if (stage !== 'ready' && isText) return receive(initCodec().decode(data));
    if (stage !== 'ready' || wire !== v1 || !isText) return receive(settings.codec.decode(data));
    const control = parseControl(data);
    if (!control) fail({ stage, code: 'frame-invalid' }, 4400);
    else if (control.type === 'message') receive(fromEnvelope(control.data, settings.codec));
    else if (control.type === 'ping') ws?.send('{"type":"pong"}');
  };

  const connect = (url: string | URL, token: Token | undefined) => {
    const { timeouts, WebSocket = globalThis.WebSocket } = settings;
    enter('connect', timeouts.connect, 'connect-timeout');
    progress.stage('connect');
    if (signal.aborted) return;
    if (!WebSocket) return fail({ stage, code: 'websocket-missing' });
    try {
      const [href, protocols] = toAddress(url, token, settings, globalThis.location?.href);
      offersV1 = protocols.includes(v1);
      ws = new WebSocket(href, protocols);
    } catch {
      // Not a cause: it holds the URL, and that holds the token.
      return fail({ stage, code: 'address-refused' });
    }
    tokenWentBefore = tokens.dial();
    ws.binaryType = 'arraybuffer';
    ws.onerror = () => {};
    ws.onclose = ({ code = 1006, reason = '' }) => fail(closeFailure(stage, code, reason));
    ws.onopen = () => {
      tokens.opened();
      if (!('initPayload' in settings)) return becomeReady(undefined);
      enter('init', settings.timeouts.init, 'init-timeout');
      progress.stage('init');
      if (!signal.aborted) sendInit();
    };
    ws.onmessage = ({ data }) => {
      try {
        read(data);
      } catch (cause) {
        if (stage === 'ready') progress.trouble({ stage, code: 'frame-invalid', cause });
        else fail({ stage: 'init', code: 'init-failed', cause });
      }
    };
  };

  const start = async () => {
    const { timeouts, url, getToken, tokenRetry } = settings;
    enter('token', timeouts.token, 'token-timeout');
    if ('initPayload' in settings) askInit();
    let code: ErrorCode = 'token-failed';
    try {
      let token = tokens.reuse(tokenRetry);
      if (!token && getToken && !signal.aborted) {
        token = await tokens.fetch(getToken, { ...context, previous: tokens.previous });
      }
      if (signal.aborted) return;
      code = 'url-failed';
      const address = await ask<UrlContext>(url, { ...context, token });
      if (!signal.aborted) connect(address, token);
    } catch (error) {
      fail(appFailure('token', code, error));
    }
  };

  return {
    signal,
    start,
    end,
    send({ message, frame }) {
      if (stage !== 'ready' || ws?.readyState !== openState) return false;
      const { queue, codec } = settings;
      if (queue && ws.bufferedAmount > queue.maxBuffered) return false;
      ws.send(wire === v1 ? toEnvelope(message, frame, codec) : frame);
      return true;
    },
  };
}

/** Asks the app; what a function throws at once becomes a rejection like any other. */
async function ask<T extends Context>(given: any, context: T): Promise<any> {
  return typeof given === 'function' ? given(context) : given;
}

function isAck(message: any): boolean {
  return message === 'authentication successful' || message?.type === 'ready';
}
