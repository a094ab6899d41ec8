import { jsonCodec } from './codec.ts';
import type {
  Codec,
  Environment,
  Heartbeat,
  Options,
  QueueOptions,
  RetryOptions,
  Timeouts,
} from './types.ts';

/** Options with every default in place. */
export interface Settings
  extends Omit<Options, 'retry' | 'timeouts' | 'heartbeat' | 'queue' | 'codec' | 'environment'> {
  readonly retry: RetryOptions;
  readonly timeouts: Timeouts;
  readonly heartbeat: false | Heartbeat;
  readonly queue: false | QueueOptions;
  readonly codec: Codec;
  readonly environment: Environment;
}

/** The options that are groups, and those that are of a type of their own. */
const groups: Pick<
  Settings,
  'prefetch' | 'retry' | 'timeouts' | 'heartbeat' | 'queue' | 'environment'
> = {
  prefetch: false,
  retry: {
    initialDelay: 2000,
    maxDelay: 20_000,
    factor: 1.5,
    minDelay: 250,
    maxAttempts: 1 / 0,
    stableAfter: 10_000,
    decide: () => undefined,
  },
  timeouts: { token: 10_000, connect: 10_000, init: 10_000 },
  heartbeat: {
    interval: 0,
    timeout: 10_000,
    ping: () => undefined,
    isPong: () => false,
    pong: () => undefined,
  },
  queue: { maxMessages: 1000, maxBytes: 1_048_576, maxAge: 60_000, maxBuffered: 1_048_576 },
  environment: {
    now: () => Date.now(),
    random: () => Math.random(),
    after(ms, callback) {
      // A longer timer would fire at once, and Node warns of a negative one.
      const id = setTimeout(callback, Math.max(0, Math.min(ms, 2 ** 31 - 1)));
      return () => clearTimeout(id);
    },
    page: {
      online: () => globalThis.navigator?.onLine !== false,
      visible: () => globalThis.document?.visibilityState !== 'hidden',
      // React Native has a global scope without `addEventListener`. The events of a document need not
      // bubble up to its window.
      on(event, listener) {
        globalThis.addEventListener?.(event, listener, { capture: true });
        return () => globalThis.removeEventListener?.(event, listener, { capture: true });
      },
    },
  },
};

const isFunction = (value: unknown) => typeof value === 'function';

/** @throws TypeError that names the option and what was expected */
export function toSettings(options: Options<any, any>): Settings {
  const { url, tokenIn = 'query', tokenRetry = 'reuse', codec = jsonCodec, schema } = options ?? {};
  // The token may bring its own.
  const mayLack = url === undefined && isFunction(options?.getToken);
  // Relative, or with a scheme that can become a WebSocket's.
  const isUrl =
    (typeof url === 'string' || url instanceof URL) &&
    /^(?!\w+:).|^(ws|http)s?:/i.test(String(url));
  must('url', mayLack || isFunction(url) || isUrl, 'a URL or a function');
  for (const name of ['getToken', 'isReady', 'isRejected', 'isChallenge', 'expiresIn', 'WebSocket'])
    must(name, isFunction(options[name as keyof Options] ?? must), 'a function');
  must('tokenRetry', ['refresh', 'reuse'].includes(tokenRetry), "'refresh' or 'reuse'");
  must(
    'tokenIn',
    ['query', 'subprotocol'].includes(tokenIn as string) ||
      isFunction(tokenIn) ||
      Object.keys(tokenIn ?? {}).join() === 'query',
    "'query', 'subprotocol', { query: name } or a function",
  );
  must('codec', isFunction(codec?.encode) && isFunction(codec.decode), '{ encode, decode }');
  must('schema', !schema || isFunction(schema['~standard']?.validate), 'a Standard Schema');
  // A payload that is missing by mistake must not make a socket that needs none.
  must('initPayload', options.initPayload !== undefined || !('initPayload' in options), 'defined');
  return { ...options, ...merge('', groups, options), codec };
}

const kinds = {
  boolean: 'true or false',
  function: 'a function',
  number: 'a number, 0 or more',
  object: 'an object',
};

/** What is given, over the defaults; methods keep their `this`. */
function merge<T extends object>(path: string, defaults: T, given: any): T {
  const merged: { [name: string]: any } = { ...defaults };
  for (const name in merged) {
    const fallback = merged[name];
    const { [name]: value = fallback } = given;
    const type = typeof fallback as keyof typeof kinds;
    const isOff = value === false && /^(heartbeat|queue)$/.test(name);
    must(
      path + name,
      isOff ||
        (typeof value === type && !Array.isArray(value) && (type !== 'number' || value >= 0)),
      kinds[type],
    );
    if (!isOff && type === 'object') merged[name] = merge(`${path}${name}.`, fallback, value ?? {});
    else merged[name] = type === 'function' ? value.bind(given) : value;
  }
  return merged as T;
}

function must(name: string, holds: unknown, expected: string): void {
  if (!holds) throw new TypeError(`TwoStageSocket: ${name} must be ${expected}`);
}
