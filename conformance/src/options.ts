import { parseArgs } from 'node:util';

/** Someone who can log in. */
export interface User {
  readonly name: string;
  readonly password: string;
}

/** What a run is told. */
export interface Options {
  /** Where the server is; paths are resolved against it. */
  readonly url: URL;
  /** Default `/login`. */
  readonly loginPath: string;
  /** Default `/logout`; `undefined` for a server that has none. */
  readonly logoutPath: string | undefined;
  /** Default `/token/ws`. */
  readonly tokenPath: string;
  /** Default `/demo`. */
  readonly socketPath: string;
  /** Two different users. Default: ada and bob, each with the name as the password. */
  readonly users: readonly [User, User];
  /** HS256 secret to sign bad JWTs with. */
  readonly jwtSecret: string | undefined;
  /** An origin on the server's allow-list. Default: that of `url`. */
  readonly origin: string;
  /** Process to send SIGTERM to. */
  readonly pid: number | undefined;
  /** Longest time a row may wait for anything, in ms. Default 15000. */
  readonly patience: number;
  /** Rules to check, `5.3` or all of `5`; empty for all. */
  readonly only: readonly string[];
  /** Whether to print JSON instead of a table. */
  readonly json: boolean;
}

/** Thrown for a command line that cannot be run; one sentence that says what to do. */
export class OptionsError extends Error {
  override name = 'OptionsError';
}

/** How the command is called. */
export const USAGE = `npm run conformance -- <http url> [options]

  --login-path <path>    POST { username, password }, answers a JWT; default /login
  --logout-path <path>   POST with the bearer; none if there is none; default /logout
  --token-path <path>    default /token/ws
  --socket-path <path>   default /demo
  --user <name:password> given twice; default ada:ada and bob:bob
  --jwt-secret <secret>  HS256 secret to sign bad JWTs with; default $JWT_SECRET
  --origin <origin>      one of the server's allow-list; default that of the url
  --pid <pid>            process to stop with SIGTERM for 10.5, at the end
  --patience <ms>        longest wait for anything; default 15000
  --only <rule,…>        such as 5.3,7 for 5.3 and all of 7
  --json                 print one JSON document instead of a table
  --help                 print this`;

/**
 * Reads the command line.
 *
 * @param args without node and script
 * @param environment for `JWT_SECRET`
 * @throws {OptionsError} for an option that is unknown or wrong
 */
export function readOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Options {
  const { values, positionals } = parse(args);
  const url = readUrl(positionals);
  const logoutPath = values['logout-path'];
  return {
    url,
    loginPath: readPath('--login-path', values['login-path']),
    logoutPath: logoutPath === 'none' ? undefined : readPath('--logout-path', logoutPath),
    tokenPath: readPath('--token-path', values['token-path']),
    socketPath: readPath('--socket-path', values['socket-path']),
    users: readUsers(values.user),
    jwtSecret: (values['jwt-secret'] ?? environment.JWT_SECRET) || undefined,
    origin: readOrigin(values.origin ?? url.origin),
    pid: values.pid === undefined ? undefined : readWhole('--pid', values.pid, 2),
    patience: readWhole('--patience', values.patience, 1000),
    only: readRules(values.only),
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'login-path': { type: 'string', default: '/login' },
        'logout-path': { type: 'string', default: '/logout' },
        'token-path': { type: 'string', default: '/token/ws' },
        'socket-path': { type: 'string', default: '/demo' },
        user: { type: 'string', multiple: true, default: ['ada:ada', 'bob:bob'] },
        'jwt-secret': { type: 'string' },
        origin: { type: 'string' },
        pid: { type: 'string' },
        patience: { type: 'string', default: '15000' },
        only: { type: 'string', default: '' },
        json: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new OptionsError((error as Error).message);
  }
}

function readUrl(positionals: readonly string[]): URL {
  const [text, ...others] = positionals;
  if (text === undefined) {
    throw new OptionsError('Name the server to check, like http://127.0.0.1:8080.');
  }
  if (others.length > 0) {
    throw new OptionsError(`One server at a time: ${others.join(' ')} is too much.`);
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new OptionsError(`The server is ${text}; expected a URL like http://127.0.0.1:8080.`);
  }
  return url;
}

function readPath(option: string, path: string): string {
  if (/^\/[^?#\s]*$/.test(path)) return path;
  throw new OptionsError(`${option} is ${path}; expected a path like /demo.`);
}

function readUsers(pairs: readonly string[]): [User, User] {
  const users = pairs.map((pair) => {
    const colon = pair.indexOf(':');
    // Not repeated here: what has no colon may be a password.
    if (colon < 1) throw new OptionsError('--user is not like name:password.');
    return { name: pair.slice(0, colon), password: pair.slice(colon + 1) };
  });
  const [first, second] = users;
  if (users.length !== 2 || first === undefined || second === undefined) {
    throw new OptionsError(`--user is given ${users.length} times; expected twice, or not at all.`);
  }
  if (first.name === second.name) {
    throw new OptionsError(`--user is ${first.name} twice; expected two different users.`);
  }
  return [first, second];
}

function readOrigin(text: string): string {
  if (URL.canParse(text) && new URL(text).origin === text) return text;
  throw new OptionsError(`--origin is ${text}; expected one like https://app.example, no path.`);
}

function readWhole(option: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value < 2 ** 31) return value;
  throw new OptionsError(`${option} is ${text}; expected a whole number from ${least}.`);
}

function readRules(text: string): string[] {
  const rules = text.split(',').map((rule) => rule.trim());
  const given = rules.filter((rule) => rule !== '');
  for (const rule of given) {
    if (!/^\d+(\.\d+)*$/.test(rule)) {
      throw new OptionsError(`--only has ${rule}; expected rules of PROTOCOL.md, like 5.3,7.`);
    }
  }
  return given;
}
