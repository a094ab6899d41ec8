import { jsonCodec } from './codec.ts';
import type {
  Codec,
  Environment,
  Options,
  QueueOptions,
  RetryOptions,
  Timeouts,
} from './types.ts';

/** Options with every default in place. */
export type Settings = Omit<Options, 'retry' | 'timeouts' | 'queue' | 'codec' | 'environment'> & {
  readonly retry: RetryOptions;
  readonly timeouts: Timeouts;
  readonly queue: false | QueueOptions;
  readonly codec: Codec;
  readonly environment: Environment;
};

const retry: RetryOptions = {
  initialDelay: 2000,
  maxDelay: 20_000,
  factor: 1.5,
  minDelay: 250,
  maxAttempts: Number.POSITIVE_INFINITY,
  stableAfter: 10_000,
};

const timeouts: Timeouts = { token: 10_000, connect: 10_000, init: 10_000 };

const queue: QueueOptions = {
  maxMessages: 1000,
  maxBytes: 1_048_576,
  maxAge: 60_000,
  maxBuffered: 1_048_576,
};

const environment: Environment = {
  now: () => Date.now(),
  random: () => Math.random(),
  after(ms, callback) {
    const id = setTimeout(callback, ms);
    return () => clearTimeout(id);
  },
  page: {
    online: () => globalThis.navigator?.onLine !== false,
    // React Native has a `window` without `addEventListener`.
    on(event, listener) {
      globalThis.addEventListener?.(event, listener);
      return () => globalThis.removeEventListener?.(event, listener);
    },
  },
};

/** What an option must be, in words, and whether a value is. */
type Check = readonly [expected: string, test: (value: any) => boolean];

const isObject = (value: any) => typeof value === 'object' && value !== null;
const isString = (value: unknown) => typeof value === 'string';
const isFunction = (value: unknown) => typeof value === 'function';
const atLeast = (least: number) => (value: unknown) => typeof value === 'number' && value >= least;

const object: Check = ['an object', isObject];
const callable: Check = ['a function', isFunction];
const count: Check = ['a number, 0 or more', atLeast(0)];
const ratio: Check = ['a number, 1 or more', atLeast(1)];
// A longer timer fires at once.
const ms: Check = ['ms, 0 to 2147483647', (value) => atLeast(0)(value) && value < 2 ** 31];

const checks: { readonly [option: string]: Check } = {
  url: ['a ws:, wss:, http:, https: or relative URL, or a function', isUrl],
  getToken: callable,
  tokenRetry: ["'refresh' or 'reuse'", (value) => value === 'refresh' || value === 'reuse'],
  tokenIn: ["'query', { query: name }, 'subprotocol' or a function", isTokenIn],
  // Not `undefined`: a payload that is missing by mistake must not make a socket that needs none.
  initPayload: ['left out, or anything but undefined', (value) => value !== undefined],
  isReady: callable,
  isRejected: callable,
  retry: object,
  timeouts: object,
  queue: ['false or an object', (value) => value === false || isObject(value)],
  codec: ['{ encode, decode }', (value) => isFunction(value?.encode) && isFunction(value.decode)],
  protocols: ['a string or an array of strings', (value) => [value].flat().every(isString)],
  WebSocket: callable,
  environment: object,
  'retry.initialDelay': ms,
  'retry.maxDelay': ms,
  'retry.factor': ratio,
  'retry.minDelay': ms,
  'retry.maxAttempts': ratio,
  'retry.stableAfter': ms,
  'retry.decide': callable,
  'timeouts.token': ms,
  'timeouts.connect': ms,
  'timeouts.init': ms,
  'queue.maxMessages': count,
  'queue.maxBytes': count,
  'queue.maxAge': ms,
  'queue.maxBuffered': count,
  'environment.now': callable,
  'environment.random': callable,
  'environment.after': callable,
  'environment.page': object,
};

/** @throws TypeError that names the option, what was expected, and what kind of thing came instead */
export function toSettings(options: Options<any, any>): Settings {
  const given = merge<object>({ url: undefined }, options, '');
  return {
    ...(given as Options),
    codec: options.codec ?? jsonCodec,
    retry: merge(retry, options.retry, 'retry.'),
    timeouts: merge(timeouts, options.timeouts, 'timeouts.'),
    queue: options.queue === false ? false : merge(queue, options.queue, 'queue.'),
    environment: merge(environment, options.environment, 'environment.'),
  };
}

function merge<T extends object>(defaults: T, given: object | undefined, prefix: string): T {
  const merged = { ...defaults } as { [name: string]: unknown };
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value !== undefined || name === 'initPayload') merged[name] = value;
  }
  for (const [name, value] of Object.entries(merged)) {
    const check = checks[prefix + name];
    if (check?.[1](value)) continue;
    const came = typeof value === 'number' ? value : value === null ? 'null' : typeof value;
    throw new TypeError(
      check
        ? `TwoStageSocket: ${prefix}${name} must be ${check[0]}; got ${came}`
        : `TwoStageSocket: there is no option ${prefix}${name}`,
    );
  }
  return merged as T;
}

function isUrl(value: unknown): boolean {
  if (isFunction(value)) return true;
  if (!value || !(isString(value) || value instanceof URL)) return false;
  try {
    return /^(ws|http)s?:$/.test(new URL(value as string, 'ws://relative').protocol);
  } catch {
    return false;
  }
}

function isTokenIn(value: any): boolean {
  if (isObject(value)) {
    const { query, ...others } = value;
    return isString(query) && query !== '' && !Object.keys(others).length;
  }
  return value === 'query' || value === 'subprotocol' || isFunction(value);
}
