import { expect, test } from 'vitest';
import { defaultSettings, readSettings, SettingsError } from './settings.ts';

function problemsOf(variables: Record<string, string>): readonly string[] {
  try {
    readSettings(variables);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
}

test('with nothing set the defaults hold', () => {
  expect(readSettings({})).toEqual(defaultSettings);
  expect(readSettings({ PORT: '', ORIGINS: '' })).toEqual(defaultSettings);
});

test('every setting is read from the variable of its name', () => {
  const secret = 'x'.repeat(32);
  expect(
    readSettings({
      PORT: '0',
      HOST: '::1',
      JWT_SECRET: secret,
      JWT_EXPIRES_IN: '1',
      TOKEN_STORE: 'mongodb://one:27017,two:27017/db?replicaSet=rs',
      FAN_OUT: 'redis://db',
      TOKEN_EXPIRES_IN: '2',
      TOKEN_REUSABLE: 'true',
      INIT_TIMEOUT: '0',
      HEARTBEAT: '3',
      BROADCAST_EVERY: '4',
      INDIVIDUAL_EVERY: '5',
      ORIGINS: 'https://app.example, http://localhost:5173',
      ADMIT_RATE: '6',
      TOKENS_PER_MINUTE: '7',
      MESSAGES_PER_SECOND: '8',
      MAX_FRAME: '9',
      MAX_CONNECTIONS: '10',
      MAX_UNAUTHENTICATED: '11',
      MAX_BUFFERED: '12',
      DRAIN_TIMEOUT: '13',
      DRAIN_DELAY: '14',
      OPERATOR_TOKEN: secret,
      FAULTS: '1',
      LOG_LEVEL: 'silent',
    }),
  ).toEqual({
    port: 0,
    host: '::1',
    jwtSecret: secret,
    jwtExpiresIn: 1,
    tokenStore: 'mongodb://one:27017,two:27017/db?replicaSet=rs',
    fanOut: 'redis://db',
    jwksUrl: undefined,
    jwtIssuer: undefined,
    jwtAudience: undefined,
    jwtAlgorithms: ['RS256'],
    tokenExpiresIn: 2,
    tokenReusable: true,
    initTimeout: 0,
    heartbeat: 3,
    broadcastEvery: 4,
    individualEvery: 5,
    origins: ['https://app.example', 'http://localhost:5173'],
    admitRate: 6,
    tokensPerMinute: 7,
    messagesPerSecond: 8,
    maxFrame: 9,
    maxConnections: 10,
    maxUnauthenticated: 11,
    maxBuffered: 12,
    drainTimeout: 13,
    drainDelay: 14,
    operatorToken: secret,
    faults: true,
    logLevel: 'silent',
  });
});

test('an error names the variable, what it is, and what it should be: all at once', () => {
  const problems = problemsOf({ PORT: '80800', HEARTBEAT: '25s', TOKEN_REUSABLE: 'yes' });
  expect(problems).toEqual([
    'PORT is "80800"; expected a whole number from 0 to 65535',
    'TOKEN_REUSABLE is "yes"; expected true, false, 1 or 0',
    'HEARTBEAT is "25s"; expected a whole number of ms from 0 to 2147483647',
  ]);
  expect(new SettingsError(problems).message).toMatch(/^The settings are wrong:\n {2}PORT is /);
});

test.each([
  ['PORT', '-1'],
  ['PORT', '1.5'],
  ['PORT', '0x50'],
  ['PORT', ' 80'],
  ['HOST', 'http://localhost'],
  ['JWT_SECRET', 'x'.repeat(31)],
  ['JWT_EXPIRES_IN', '0'],
  ['TOKEN_EXPIRES_IN', '0'],
  ['DRAIN_TIMEOUT', '2147483648'],
  ['MAX_FRAME', '1e6'],
  ['MAX_FRAME', '2147483648'],
  ['ORIGINS', '*'],
  ['ORIGINS', 'null'],
  ['ORIGINS', 'app.example'],
  ['ORIGINS', 'https://app.example/'],
  ['ORIGINS', 'https://app.example,'],
  ['ORIGINS', 'ws://app.example'],
  ['ORIGINS', 'https://*.example'],
  ['LOG_LEVEL', 'loud'],
  ['TOKEN_STORE', 'file'],
  ['TOKEN_STORE', 'file://tokens'],
  ['TOKEN_STORE', 'redis://'],
  ['TOKEN_STORE', 'mongodb://'],
  ['TOKEN_STORE', 'mongodb:///db'],
  ['TOKEN_STORE', 'mongodb://user:pass@[db'],
  ['TOKEN_STORE', 'mongodb://one,two:x/db'],
  ['TOKEN_STORE', 'redis://db/zero'],
  ['TOKEN_STORE', 'redis://:50%@db'],
  ['TOKEN_STORE', 'http://db'],
  ['FAN_OUT', 'mongodb://db'],
  ['FAN_OUT', 'redis'],
  ['JWKS_URL', 'keys.json'],
  ['JWKS_URL', 'http://id.example/keys'],
  ['JWT_ALGORITHMS', 'HS256'],
  ['JWT_ALGORITHMS', 'none'],
  ['JWT_ALGORITHMS', 'RS256,'],
  ['OPERATOR_TOKEN', 'x'.repeat(31)],
  ['OPERATOR_TOKEN', 'ü'.repeat(32)],
  ['OPERATOR_TOKEN', `${'x'.repeat(32)} y`],
])('%s cannot be %j', (name, value) => {
  const [problem] = problemsOf({ [name]: value });
  expect(problem).toMatch(new RegExp(`^${name} is .*; expected`));
});

test('a secret of multi-byte characters is measured in bytes', () => {
  expect(problemsOf({ JWT_SECRET: 'ü'.repeat(16) })).toEqual([]);
});

test('keys of an identity provider need to be told whose JWTs are good', () => {
  const provider = {
    JWKS_URL: 'https://id.example/keys',
    JWT_ISSUER: 'https://id.example/',
    JWT_AUDIENCE: 'chat',
  };
  expect(readSettings({ ...provider, JWT_ALGORITHMS: 'ES256, EdDSA' })).toMatchObject({
    jwksUrl: 'https://id.example/keys',
    jwtIssuer: 'https://id.example/',
    jwtAudience: 'chat',
    jwtAlgorithms: ['ES256', 'EdDSA'],
  });
  expect(problemsOf({ ...provider, JWKS_URL: 'http://127.0.0.1:9/keys' })).toEqual([]);
  expect(problemsOf({ JWKS_URL: provider.JWKS_URL, JWT_SECRET: 'x'.repeat(32) })).toEqual([
    'JWT_SECRET and JWKS_URL are both set; expected one of them',
    'JWT_ISSUER is not set; JWKS_URL expects it',
    'JWT_AUDIENCE is not set; JWKS_URL expects it',
  ]);
  const rest = { JWT_ISSUER: 'a', JWT_AUDIENCE: 'b', JWT_ALGORITHMS: 'RS256' };
  expect(problemsOf(rest)).toEqual([
    'JWT_ISSUER is set; expected JWKS_URL with it',
    'JWT_AUDIENCE is set; expected JWKS_URL with it',
    'JWT_ALGORITHMS is set; expected JWKS_URL with it',
  ]);
});

test('S11 no error repeats a secret', () => {
  const problems = problemsOf({
    JWT_SECRET: 'hunter2',
    TOKEN_STORE: 'rediss:hunter3@db',
    FAN_OUT: 'mongodb://:hunter4@db',
    OPERATOR_TOKEN: 'hunter5',
    JWKS_URL: 'http://user:hunter6@id.example/keys',
  });
  expect(problems.join()).not.toMatch(/hunter/);
  // Three of them say that JWKS_URL needs others beside it, and not JWT_SECRET.
  expect(problems).toHaveLength(8);
});

test.each([
  'mongodb://db',
  'mongodb+srv://user:p%40ss@cluster.example/tokens?retryWrites=true',
  'mongodb://user:pass@[::1]:27017,two:27017/?replicaSet=rs',
  'redis://db',
  'redis://:secret@127.0.0.1:6379/3',
  'rediss://user:p%25ss@[::1]:6380',
])('tokens may be kept at %s', (address) => {
  expect(readSettings({ TOKEN_STORE: address }).tokenStore).toBe(address);
});
