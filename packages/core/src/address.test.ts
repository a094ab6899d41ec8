import { expect, test } from 'vitest';
import { toAddress } from './address.ts';
import type { Options, Token } from './types.ts';

const page = 'https://page.test/app/index.html?tab=1#top';
const toUrl = (url: string | URL, base?: string) => toAddress(url, undefined, {}, base)[0];

test.each<[string | URL, string | undefined, string]>([
  ['wss://a.test/x?y=1', undefined, 'wss://a.test/x?y=1'],
  ['ws://a.test', undefined, 'ws://a.test/'],
  ['wss://http.test/http', undefined, 'wss://http.test/http'],
  ['https://a.test/x', undefined, 'wss://a.test/x'],
  ['HTTP://a.test/http', undefined, 'ws://a.test/http'],
  [new URL('https://a.test/x'), undefined, 'wss://a.test/x'],
  ['wss://a.test/#secret', undefined, 'wss://a.test/'],
  ['wss://a.test/?x#', undefined, 'wss://a.test/?x'],
  ['/socket', page, 'wss://page.test/socket'],
  ['socket', page, 'wss://page.test/app/socket'],
  ['//b.test/x', page, 'wss://b.test/x'],
  ['/x', 'http://page.test:8080/', 'ws://page.test:8080/x'],
])('%s on the page %s is %s', (url, base, expected) => {
  expect(toUrl(url, base)).toBe(expected);
});

test.each(['/socket', 'wss://', '', undefined, 5])('%s alone is no address', (url) => {
  expect(() => toUrl(url as string)).toThrow(TypeError);
});

test.each<[string, string, Options['tokenIn'], string]>([
  ['wss://a.test/x', 't', undefined, 'wss://a.test/x?token=t'],
  ['wss://a.test/x?y=1', 't', 'query', 'wss://a.test/x?y=1&token=t'],
  ['wss://a.test/x#part', 't', 'query', 'wss://a.test/x?token=t'],
  ['wss://a.test/x', 'a+b/c=&d é', 'query', 'wss://a.test/x?token=a%2Bb%2Fc%3D%26d%20%C3%A9'],
  ['wss://a.test/x', 't', { query: 'a&b' }, 'wss://a.test/x?a%26b=t'],
  ['wss://a.test/x', 't', (url, token) => `${url}/${token}#z`, 'wss://a.test/x/t'],
  ['https://a.test/x', 't', (url) => new URL(url.replace('wss', 'https')), 'wss://a.test/x'],
])('%s takes the token %s in %s: %s', (url, token, tokenIn, expected) => {
  expect(toAddress(url, { token }, { tokenIn }, undefined)).toEqual([expected, []]);
});

test.each<[Partial<Token>, Pick<Options, 'tokenIn' | 'protocols'>, string[]]>([
  [{}, {}, []],
  [{ protocol: 'v1' }, {}, ['v1']],
  [{ protocol: 'v1' }, { protocols: 'mine' }, ['mine']],
  [{}, { protocols: ['a', 'b'] }, ['a', 'b']],
  [{}, { protocols: 'a', tokenIn: 'subprotocol' }, ['a', 'token.t']],
  [{ protocol: 'v1' }, { tokenIn: 'subprotocol' }, ['v1', 'token.t']],
])('the token %j with the options %j offers %j', (facts, options, offered) => {
  expect(toAddress('wss://a.test', { token: 't', ...facts }, options, undefined)[1]).toEqual(
    offered,
  );
});

test('a token is offered beside a real subprotocol only, and none without a token', () => {
  const alone = { tokenIn: 'subprotocol', protocols: [] } as const;
  expect(() => toAddress('wss://a.test', { token: 't' }, alone, undefined)).toThrow(/protocols/);
  expect(toAddress('wss://a.test', undefined, alone, undefined)[1]).toEqual([]);
});

test('what was given is not changed', () => {
  const [url, protocols] = [new URL('wss://a.test/x#y'), ['a']];
  toAddress(url, { token: 't' }, { tokenIn: 'subprotocol', protocols }, undefined);
  expect([url.href, protocols]).toEqual(['wss://a.test/x#y', ['a']]);
});
