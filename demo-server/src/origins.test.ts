import { expect, test } from 'vitest';
import { allowOrigins, bracket, ownOrigins } from './origins.ts';

test('S8 exact origins and a missing one are admitted, nothing else', () => {
  const origins = allowOrigins(['https://app.example']);
  expect(origins.admits('https://app.example')).toBe(true);
  expect(origins.admits(undefined)).toBe(true);
  for (const origin of [
    'null',
    '',
    'http://app.example',
    'https://app.example:8443',
    'https://app.example/',
    'https://app.example.evil.example',
    'https://sub.app.example',
    'https://APP.example',
    'https://app.example, https://app.example',
  ]) {
    expect(origins.admits(origin), origin).toBe(false);
  }
});

test('its own origins are the address it listens on and this machine’s names', () => {
  expect(ownOrigins('10.0.0.7', 8080)).toEqual(
    expect.arrayContaining([
      'http://10.0.0.7:8080',
      'https://10.0.0.7:8080',
      'http://localhost:8080',
      'http://127.0.0.1:8080',
      'http://[::1]:8080',
    ]),
  );
  // As browsers write them: without the scheme's default port.
  expect(ownOrigins('localhost', 80)).toContain('http://localhost');
  expect(ownOrigins('::1', 443)).toContain('https://[::1]');
});

test('a page’s policy needs the same as WebSocket origins, without IPv6', () => {
  const origins = allowOrigins(['https://app.example', 'http://localhost:1', 'http://[::1]:1']);
  expect(origins.sockets()).toEqual(['wss://app.example', 'ws://localhost:1']);
});

test('only IPv6 addresses go in brackets', () => {
  expect(['::1', '127.0.0.1', 'localhost'].map(bracket)).toEqual([
    '[::1]',
    '127.0.0.1',
    'localhost',
  ]);
});

test.each(['https://app.example/', 'app.example', 'https://*.app.example', 'null', '*'])(
  'an allow-list with %s, which no page has as its origin, says so',
  (entry) => {
    expect(() => allowOrigins(['https://app.example', entry])).toThrow(
      `The origin "${entry}" is none; expected one like https://app.example`,
    );
  },
);
