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
      TOKEN_STORE: 'memory',
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
      FAULTS: '1',
      LOG_LEVEL: 'silent',
    }),
  ).toEqual({
    port: 0,
    host: '::1',
    jwtSecret: secret,
    jwtExpiresIn: 1,
    tokenStore: 'memory',
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
  ['ORIGINS', '*'],
  ['ORIGINS', 'null'],
  ['ORIGINS', 'app.example'],
  ['ORIGINS', 'https://app.example/'],
  ['ORIGINS', 'https://app.example,'],
  ['ORIGINS', 'ws://app.example'],
  ['ORIGINS', 'https://*.example'],
  ['LOG_LEVEL', 'loud'],
  ['TOKEN_STORE', 'file'],
])('%s cannot be %j', (name, value) => {
  expect(problemsOf({ [name]: value })).toEqual([
    expect.stringMatching(`^${name} is .*; expected`),
  ]);
});

test('a secret of multi-byte characters is measured in bytes', () => {
  expect(problemsOf({ JWT_SECRET: 'ü'.repeat(16) })).toEqual([]);
});

test('what is not there yet says so', () => {
  for (const url of ['mongodb://db/x', 'mongodb+srv://db/x', 'redis://db', 'rediss://db']) {
    expect(problemsOf({ TOKEN_STORE: url })).toEqual([expect.stringContaining('not there yet')]);
  }
  expect(problemsOf({ JWKS_URL: 'https://id.example/jwks' })).toEqual([
    expect.stringMatching(/^JWKS_URL is .*not there yet/),
  ]);
});

test('S11 no error repeats a secret', () => {
  const problems = problemsOf({ JWT_SECRET: 'hunter2', TOKEN_STORE: 'redis://:hunter3@db' });
  expect(problems.join()).not.toMatch(/hunter/);
  expect(problems).toHaveLength(2);
});
