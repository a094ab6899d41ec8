import { MAX_DELAY } from './environment.ts';

/**
 * What an operator may set. Durations are in ms, sizes in bytes; 0 turns a limit, a deadline or a
 * pipeline off. `readSettings` fills it from environment variables of the same names in capitals.
 */
export interface Settings {
  /** Port to listen on; 0 takes any free one. Default 8080. */
  port: number;
  /** Address to listen on. Default 127.0.0.1. */
  host: string;
  /** HS256 key, 32 bytes of UTF-8 or more. Default: random at each start. */
  jwtSecret: string | undefined;
  /** Where an identity provider publishes its keys, instead of a secret and `POST /login`. */
  jwksUrl: string | undefined;
  /** The `iss` of the provider's JWTs. Needed with `jwksUrl`. */
  jwtIssuer: string | undefined;
  /** The `aud` of the provider's JWTs. Needed with `jwksUrl`. */
  jwtAudience: string | undefined;
  /** The algorithms of the provider's JWTs, with `jwksUrl`. Default RS256. */
  jwtAlgorithms: readonly string[];
  /** How long a JWT from `POST /login` is valid. Default one hour. */
  jwtExpiresIn: number;
  /** Where tokens are kept: `memory`, `mongodb://…` or `redis://…`. Default `memory`. */
  tokenStore: string;
  /**
   * What carries broadcasts, messages, logouts and revocations to other processes: `memory`, for a
   * single one, or `redis://…`. Default: the token store, if that is Redis; else `memory`.
   */
  fanOut: string | undefined;
  /** How long a token is valid. Default 15 minutes. */
  tokenExpiresIn: number;
  /** Whether a token admits more than one connection while it is valid. Default false. */
  tokenReusable: boolean;
  /** How long a connection may take to authenticate. Default 10 s. */
  initTimeout: number;
  /** Interval of liveness pings, also told to clients in the ack. Default 25 s. */
  heartbeat: number;
  /** Interval of the broadcast pipeline. Default 5 s. */
  broadcastEvery: number;
  /** Interval of the individual pipeline. Default 5 s. */
  individualEvery: number;
  /** Origins whose pages may use the server. Default: its own, from the address it listens on. */
  origins: readonly string[] | undefined;
  /** Connections a second above which the token route tells callers to come back. Default off. */
  admitRate: number;
  /** Tokens a minute and user. Default 120. */
  tokensPerMinute: number;
  /** Messages a second and connection; twice that in a burst. Default 200. */
  messagesPerSecond: number;
  /** Largest message after the ack; before it the limit is 16384 or this, if smaller. Default 1 MiB. */
  maxFrame: number;
  /** Authenticated connections a user. Default 100. */
  maxConnections: number;
  /** Connections that have not authenticated yet, of all users together. Default 1000. */
  maxUnauthenticated: number;
  /** Bytes a slow consumer may leave unread before it is ended. Default 1 MiB. */
  maxBuffered: number;
  /** How long a graceful stop may take. Default 10 s. */
  drainTimeout: number;
  /**
   * How long a graceful stop does nothing but say so at `/ready`, so that a balancer sends those who
   * are to leave, and everybody else, to other processes: longer than it takes to notice. Default 0.
   */
  drainDelay: number;
  /** What an operator's requests are known by, 32 bytes or more. Default: there is no operator. */
  operatorToken: string | undefined;
  /** Mounts the fault switches: for the demo and for tests, never for production. Default false. */
  faults: boolean;
  /** Least severe level that is logged. Default `info`. */
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
}

/** What holds when nothing is set. */
export const defaultSettings: Settings = {
  port: 8080,
  host: '127.0.0.1',
  jwtSecret: undefined,
  jwksUrl: undefined,
  jwtIssuer: undefined,
  jwtAudience: undefined,
  jwtAlgorithms: ['RS256'],
  jwtExpiresIn: 3_600_000,
  tokenStore: 'memory',
  fanOut: undefined,
  tokenExpiresIn: 900_000,
  tokenReusable: false,
  initTimeout: 10_000,
  heartbeat: 25_000,
  broadcastEvery: 5000,
  individualEvery: 5000,
  origins: undefined,
  admitRate: 0,
  tokensPerMinute: 120,
  messagesPerSecond: 200,
  maxFrame: 1_048_576,
  maxConnections: 100,
  maxUnauthenticated: 1000,
  maxBuffered: 1_048_576,
  drainTimeout: 10_000,
  drainDelay: 0,
  operatorToken: undefined,
  faults: false,
  logLevel: 'info',
};

/** Thrown by `readSettings`: one line for each variable that is wrong. */
export class SettingsError extends Error {
  override name = 'SettingsError';
  /** One sentence for each problem, in the order of `Settings`. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The settings are wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** Reads one variable's text, or throws what was expected instead. */
type Parser<T> = (text: string) => T;

class Expected extends Error {}

const whole =
  (least: number, most: number, noun: string): Parser<number> =>
  (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new Expected(`a whole ${noun} from ${least} to ${most}`);
  };

const duration = whole(0, MAX_DELAY, 'number of ms');
// An expiry of 0 would read as "never", which a secret must not have.
const lifetime = whole(1, MAX_DELAY, 'number of ms');
const limit = whole(0, Number.MAX_SAFE_INTEGER, 'number');
// `ws` keeps its message limit in 32 bits.
const size = whole(0, 2 ** 31 - 1, 'number of bytes');

const flag: Parser<boolean> = (text) => {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new Expected('true, false, 1 or 0');
};

const oneOf =
  <T extends string>(...values: readonly T[]): Parser<T> =>
  (text) => {
    const value = values.find((candidate) => candidate === text);
    if (value !== undefined) return value;
    throw new Expected(`one of ${values.join(', ')}`);
  };

const host: Parser<string> = (text) => {
  if (/^[\w.:-]+$/.test(text)) return text;
  throw new Expected('a host name or an IP address, without brackets or port');
};

const secret: Parser<string> = (text) => {
  // RFC 7518, section 3.2: a key for HS256 has at least the size of the hash.
  if (Buffer.byteLength(text) >= 32) return text;
  throw new Expected('32 bytes of UTF-8 or more');
};

const text: Parser<string> = (value) => value;

const bearerSecret: Parser<string> = (value) => {
  if (/^[\w.~+/-]{32,}=*$/.test(value)) return value;
  throw new Expected('32 characters or more of A-Z, a-z, 0-9 and - . _ ~ + /');
};

/** `memory`, or an address whose scheme is one of these. */
const engine =
  (...schemes: readonly string[]): Parser<string> =>
  (value) => {
    const scheme = value.slice(0, value.indexOf('://'));
    if (value === 'memory' || (schemes.includes(scheme) && isAddress(value))) return value;
    throw new Expected(`memory, or an address that begins with ${schemes.join('://, ')}://`);
  };

/** Whether the libraries of Redis and MongoDB will take an address, as far as can be told. */
function isAddress(value: string): boolean {
  const parts = /^(\w+)(?:\+srv)?:\/\/(?:([^@/]*)@)?([^@/?]+)(\/[^?]*)?(?:\?.*)?$/.exec(value);
  if (parts === null) return false;
  const [, scheme, user = '', hosts = '', path = ''] = parts;
  // An address of MongoDB may name several hosts, which is no URL.
  const areHosts = hosts.split(',').every((host) => URL.canParse(`http://${host}`));
  const isPath = scheme === 'mongodb' || /^\/?\d*$/.test(path);
  return areHosts && isPath && !/%(?![\dA-Fa-f]{2})/.test(user);
}

const jwks: Parser<string> = (value) => {
  const { protocol, hostname = '' } = URL.canParse(value) ? new URL(value) : {};
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  // Whoever can change the keys on their way can sign any JWT.
  if (protocol === 'https:' || (protocol === 'http:' && isLocal)) return value;
  throw new Expected('an https:// address, or an http:// one of this machine');
};

const ASYMMETRIC = /^(RS|PS|ES)(256|384|512)$|^(EdDSA|Ed25519)$/;

const algorithms: Parser<readonly string[]> = (value) => {
  const list = value.split(',').map((entry) => entry.trim());
  if (list.every((entry) => ASYMMETRIC.test(entry))) return list;
  throw new Expected('algorithms separated by commas, each like RS256, PS256, ES256 or EdDSA');
};

const origins: Parser<readonly string[]> = (text) => {
  const list = text.split(',').map((entry) => entry.trim());
  if (list.every(isOrigin)) return list;
  throw new Expected(
    'origins separated by commas, each like https://app.example (no path, no wildcard)',
  );
};

function isOrigin(text: string): boolean {
  return /^https?:[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

const parsers: { readonly [Name in keyof Settings]: Parser<Settings[Name]> } = {
  port: whole(0, 65_535, 'number'),
  host,
  jwtSecret: secret,
  jwksUrl: jwks,
  jwtIssuer: text,
  jwtAudience: text,
  jwtAlgorithms: algorithms,
  jwtExpiresIn: lifetime,
  tokenStore: engine('mongodb', 'mongodb+srv', 'redis', 'rediss'),
  fanOut: engine('redis', 'rediss'),
  tokenExpiresIn: lifetime,
  tokenReusable: flag,
  initTimeout: duration,
  heartbeat: duration,
  broadcastEvery: duration,
  individualEvery: duration,
  origins,
  admitRate: limit,
  tokensPerMinute: limit,
  messagesPerSecond: limit,
  maxFrame: size,
  maxConnections: limit,
  maxUnauthenticated: limit,
  maxBuffered: limit,
  drainTimeout: duration,
  drainDelay: duration,
  operatorToken: bearerSecret,
  faults: flag,
  logLevel: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
};

/** What is never repeated in an error, because errors end up in logs. */
const secretNames = new Set(['JWT_SECRET', 'JWKS_URL', 'TOKEN_STORE', 'FAN_OUT', 'OPERATOR_TOKEN']);

/**
 * Reads the settings from environment variables. An empty variable counts as not set.
 *
 * @throws {SettingsError} naming every variable that is wrong, what it is and what it should be
 */
export function readSettings(variables: Readonly<Record<string, string | undefined>>): Settings {
  const problems: string[] = [];
  const read = <T>(name: string, parse: Parser<T>, fallback: T): T => {
    const text = variables[name];
    if (text === undefined || text === '') return fallback;
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof Expected)) throw error;
      problems.push(`${name} is ${quote(name, text)}; expected ${error.message}`);
      return fallback;
    }
  };
  const entries = Object.entries(parsers).map(([key, parse]) => [
    key,
    read<unknown>(variableName(key), parse, defaultSettings[key as keyof Settings]),
  ]);
  const settings = Object.fromEntries(entries) as Settings;
  problems.push(...contradictions((name) => (variables[name] ?? '') !== ''));
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
}

/** What is wrong with settings that are each fine by themselves. */
function contradictions(isSet: (name: string) => boolean): string[] {
  const rules = ['JWT_ISSUER', 'JWT_AUDIENCE'];
  if (!isSet('JWKS_URL')) {
    return [...rules, 'JWT_ALGORITHMS']
      .filter(isSet)
      .map((name) => `${name} is set; expected JWKS_URL with it`);
  }
  const both = 'JWT_SECRET and JWKS_URL are both set; expected one of them';
  return [
    ...(isSet('JWT_SECRET') ? [both] : []),
    ...rules
      .filter((name) => !isSet(name))
      .map((name) => `${name} is not set; JWKS_URL expects it`),
  ];
}

function variableName(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function quote(name: string, text: string): string {
  if (!secretNames.has(name)) return JSON.stringify(text);
  const scheme = /^[a-z+]{1,16}:\/\//.exec(text)?.[0];
  return scheme === undefined ? `${Buffer.byteLength(text)} bytes long` : `"${scheme}…"`;
}
