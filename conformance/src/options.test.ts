import { expect, test } from 'vitest';
import { OptionsError, readOptions } from './options.ts';

const URL_ARGUMENT = 'http://127.0.0.1:8080';
const read = (...args: string[]) => readOptions([URL_ARGUMENT, ...args], {});

test('has a default for everything but the url', () => {
  expect(read()).toEqual({
    url: new URL(URL_ARGUMENT),
    loginPath: '/login',
    logoutPath: '/logout',
    tokenPath: '/token/ws',
    socketPath: '/demo',
    users: [
      { name: 'ada', password: 'ada' },
      { name: 'bob', password: 'bob' },
    ],
    jwtSecret: undefined,
    origin: URL_ARGUMENT,
    pid: undefined,
    patience: 15_000,
    only: [],
    json: false,
  });
});

test('reads what is given', () => {
  const options = read(
    ...[
      '--login-path',
      '/in',
      '--logout-path',
      'none',
      '--token-path',
      '/t',
      '--socket-path',
      '/s',
    ],
    ...[
      '--user',
      'eve:a:b',
      '--user',
      'mal:',
      '--jwt-secret',
      'x',
      '--origin',
      'https://a.example',
    ],
    ...['--pid', '77', '--patience', '2000', '--only', '5.3, 7', '--json'],
  );
  expect(options).toEqual({
    url: new URL(URL_ARGUMENT),
    loginPath: '/in',
    logoutPath: undefined,
    tokenPath: '/t',
    socketPath: '/s',
    users: [
      { name: 'eve', password: 'a:b' },
      { name: 'mal', password: '' },
    ],
    jwtSecret: 'x',
    origin: 'https://a.example',
    pid: 77,
    patience: 2000,
    only: ['5.3', '7'],
    json: true,
  });
});

test('takes the secret from the environment, unless it is given', () => {
  const environment = { JWT_SECRET: 'from outside' };
  expect(readOptions([URL_ARGUMENT], environment).jwtSecret).toBe('from outside');
  const args = [URL_ARGUMENT, '--jwt-secret', 'given'];
  expect(readOptions(args, environment).jwtSecret).toBe('given');
  expect(readOptions([URL_ARGUMENT], { JWT_SECRET: '' }).jwtSecret).toBeUndefined();
});

test.for<[string[], string]>([
  [[], 'Name the server to check, like http://127.0.0.1:8080.'],
  [['127.0.0.1:8080'], 'The server is 127.0.0.1:8080; expected a URL like http://127.0.0.1:8080.'],
  [['ws://a.example'], 'The server is ws://a.example; expected a URL like http://127.0.0.1:8080.'],
  [[URL_ARGUMENT, 'http://b'], 'One server at a time: http://b is too much.'],
  [[URL_ARGUMENT, '--token-path', 'token'], '--token-path is token; expected a path like /demo.'],
  [[URL_ARGUMENT, '--user', 'ada:ada'], '--user is given 1 times; expected twice, or not at all.'],
  [
    [URL_ARGUMENT, '--user', 'ada:a', '--user', 'ada:b'],
    '--user is ada twice; expected two different users.',
  ],
  [[URL_ARGUMENT, '--user', 'secret', '--user', 'b:b'], '--user is not like name:password.'],
  [
    [URL_ARGUMENT, '--origin', 'https://a.example/'],
    '--origin is https://a.example/; expected one like https://app.example, no path.',
  ],
  [[URL_ARGUMENT, '--pid', '1'], '--pid is 1; expected a whole number from 2.'],
  [[URL_ARGUMENT, '--patience', '1'], '--patience is 1; expected a whole number from 1000.'],
  [[URL_ARGUMENT, '--only', '5.3,x'], '--only has x; expected rules of PROTOCOL.md, like 5.3,7.'],
])('refuses %j', ([args, message]) => {
  expect(() => readOptions(args, {})).toThrow(new OptionsError(message));
});

test('refuses an option that there is not', () => {
  expect(() => read('--verbose')).toThrow(OptionsError);
});
