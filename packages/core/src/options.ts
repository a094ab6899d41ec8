import { jsonCodec } from './codec.ts';
import type {
  Codec,
  Environment,
  Heartbeat,
  Options,
  Page,
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

const page: Page = {
  online: () => globalThis.navigator?.onLine !== false,
  visible: () => globalThis.document?.visibilityState !== 'hidden',
  // React Native has a global scope without `addEventListener`.
  on(event, listener) {
    globalThis.addEventListener?.(event, listener, capture);
    return () => globalThis.removeEventListener?.(event, listener, capture);
  },
};

/** The events of a document need not bubble up to its window. */
const capture = { capture: true };

/** The options that are groups. */
const groups: Pick<Settings, 'retry' | 'timeouts' | 'heartbeat' | 'queue' | 'environment'> = {
  retry: {
    initialDelay: 2000,
    maxDelay: 20_000,
    factor: 1.5,
    minDelay: 250,
    maxAttempts: 1 / 0,
    stableAfter: 10_000,
    decide() {},
  },
  timeouts: { token: 10_000, connect: 10_000, init: 10_000 },
  heartbeat: { interval: 0, timeout: 10_000, ping() {}, isPong: () => false, pong() {} },
  queue: { maxMessages: 1000, maxBytes: 1_048_576, maxAge: 60_000, maxBuffered: 1_048_576 },
  environment: {
    now: () => Date.now(),
    random: () => Math.random(),
    after(ms, callback) {
      // A longer timer would fire at once, and Node warns of a negative one.
      const id = setTimeout(callback, Math.max(0, Math.min(ms, 2 ** 31 - 1)));
      return () => clearTimeout(id);
    },
    page,
  },
};

const isFunction = (value: unknown) => typeof value === 'function';

/** @throws TypeError that names the option and what was expected */
export function toSettings(options: Options<any, any>): Settings {
  const { url, tokenRetry = 'reuse', tokenIn = 'query', codec = jsonCodec, schema } = options ?? {};
  // The token may bring its own.
  const mayLack = url === undefined && isFunction(options?.getToken);
  must('url', mayLack || isFunction(url) || isUrl(url), 'a URL or a function');
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
  must('prefetch', typeof (options.prefetch ?? true) === 'boolean', 'true or false');
  must('codec', isFunction(codec?.encode) && isFunction(codec.decode), '{ encode, decode }');
  must('schema', !schema || isFunction(schema['~standard']?.validate), 'a Standard Schema');
  // A payload that is missing by mistake must not make a socket that needs none.
  must('initPayload', options.initPayload !== undefined || !('initPayload' in options), 'defined');
  return { ...options, codec, ...merge('', groups, options) };
}

/** What is given, over the defaults; methods keep their `this`. */
function merge<T extends object>(path: string, defaults: T, given: any): T {
  const merged: { [name: string]: any } = { ...defaults };
  for (const name in merged) {
    const value: unknown = given[name];
    const fallback = merged[name];
    const expected = typeof fallback;
    if (expected === 'object') {
      const isOff = value === false && /^(heartbeat|queue)$/.test(name);
      must(
        path + name,
        isOff || value === undefined || (typeof value === 'object' && !Array.isArray(value)),
        'an object',
      );
      merged[name] = !isOff && merge(`${path}${name}.`, fallback, value ?? {});
    } else if (value !== undefined) {
      must(
        path + name,
        typeof value === expected && (typeof value !== 'number' || value >= 0),
        expected === 'number' ? 'a number, 0 or more' : 'a function',
      );
      merged[name] = isFunction(value) ? (value as any).bind(given) : value;
    }
  }
  return merged as T;
}

/** Relative, or with a scheme that can become a WebSocket's. */
function isUrl(value: unknown): boolean {
  const isText = typeof value === 'string' || value instanceof URL;
  return isText && /^(?!\w+:).|^(ws|http)s?:/i.test(String(value));
}

function must(name: string, holds: unknown, expected: string): void {
  if (!holds) throw new TypeError(`TwoStageSocket: ${name} must be ${expected}`);
}
