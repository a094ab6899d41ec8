import { jsonCodec } from './codec.ts';
import type {
  Codec,
  Environment,
  Given,
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

const retry: RetryOptions = {
  initialDelay: 2000,
  maxDelay: 20_000,
  factor: 1.5,
  minDelay: 250,
  maxAttempts: 1 / 0,
  stableAfter: 10_000,
  decide: () => undefined,
};

const timeouts: Timeouts = { token: 10_000, connect: 10_000, init: 10_000 };

const heartbeat: Heartbeat = {
  interval: 0,
  timeout: 10_000,
  ping: () => undefined,
  isPong: () => false,
  pong: () => undefined,
};

const queue: QueueOptions = {
  maxMessages: 1000,
  maxBytes: 1_048_576,
  maxAge: 60_000,
  maxBuffered: 1_048_576,
};

/** The events of a document need not bubble up to its window. */
const capture = { capture: true };

const page: Page = {
  online: () => globalThis.navigator?.onLine !== false,
  visible: () => globalThis.document?.visibilityState !== 'hidden',
  // React Native has a global scope without `addEventListener`.
  on(event, listener) {
    globalThis.addEventListener?.(event, listener, capture);
    return () => globalThis.removeEventListener?.(event, listener, capture);
  },
};

const clock: Omit<Environment, 'page'> = {
  now: () => Date.now(),
  random: () => Math.random(),
  after(ms, callback) {
    // A longer timer would fire at once, and Node warns of a negative one.
    const id = setTimeout(callback, Math.max(0, Math.min(ms, 2 ** 31 - 1)));
    return () => clearTimeout(id);
  },
};

const isFunction = (value: unknown) => typeof value === 'function';

const functions = [
  'getToken',
  'isReady',
  'isRejected',
  'isChallenge',
  'expiresIn',
  'WebSocket',
] as const;

/** @throws TypeError that names the option and what was expected */
export function toSettings(options: Options<any, any>): Settings {
  const { url, tokenRetry = 'reuse', tokenIn = 'query', codec = jsonCodec, schema } = options ?? {};
  for (const name of functions) {
    must(name, isFunction(options?.[name] ?? must), 'a function');
  }
  // The token may bring its own.
  const needsUrl = url !== undefined || !options?.getToken;
  must('url', !needsUrl || isFunction(url) || isUrl(url), 'a URL or a function');
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
  return {
    ...options,
    codec,
    retry: merge('retry', retry, options.retry),
    timeouts: merge('timeouts', timeouts, options.timeouts),
    heartbeat: options.heartbeat !== false && merge('heartbeat', heartbeat, options.heartbeat),
    queue: options.queue !== false && merge('queue', queue, options.queue),
    environment: {
      ...merge('environment', clock, options.environment),
      page: merge('environment.page', page, options.environment?.page),
    },
  };
}

/** What is given, over the defaults; methods keep their `this`. */
function merge<T extends object>(group: string, defaults: T, given?: Given<T>): T {
  must(group, !given || (typeof given === 'object' && !Array.isArray(given)), 'an object');
  const merged: { [name: string]: any } = { ...defaults };
  for (const name in merged) {
    const value: unknown = given?.[name as keyof T];
    if (value === undefined) continue;
    const expected = typeof merged[name];
    must(
      `${group}.${name}`,
      typeof value === expected && (typeof value !== 'number' || value >= 0),
      expected === 'number' ? 'a number, 0 or more' : 'a function',
    );
    merged[name] = isFunction(value) ? value.bind(given) : value;
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
