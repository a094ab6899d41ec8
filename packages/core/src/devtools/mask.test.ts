import { expect, describe as group, test } from 'vitest';
import { describe, maskText, preview } from './mask.ts';

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl';
const random = 'XBL2bFsq7eDpzt3mKO63qWVhRVjey0zI8ESlEIy4RC8';

test.each<[unknown, string]>([
  ['hello', 'text of 5'],
  ['{"type":"chat","text":"hi"}', 'text of 27, object { type, text }'],
  ['{"half', 'text of 6'],
  [{ type: 'chat', text: 'hi' }, 'object { type, text }'],
  [{}, 'object'],
  [[1, 2, 3], 'array of 3'],
  [new Uint8Array(12), 'binary of 12 B'],
  [new ArrayBuffer(3), 'binary of 3 B'],
  [new Blob(['abcd']), 'binary of 4 B'],
  [42, 'number'],
  [null, 'null'],
  [undefined, 'undefined'],
  [{ [jwt]: 1, [random]: 2 }, 'object { •••, ••• }'],
  [
    Object.fromEntries('abcdefghij'.split('').map((key) => [key, 0])),
    'object { a, b, c, d, e, f, g, h, … }',
  ],
])('describe(%j) is %s', (message, expected) => {
  expect(describe(message)).toBe(expected);
});

group('preview', () => {
  test.each<[unknown, string]>([
    ['hello world', '"hello world"'],
    [
      { type: 'chat', text: 'hi', n: 1, ok: true, no: null },
      '{ type: "chat", text: "hi", n: 1, ok: true, no: null }',
    ],
    ['{"type":"chat","text":"hi"}', '{ type: "chat", text: "hi" }'],
    [[1, [2, [3, [4, [5]]]]], '[1, [2, [3, array of 2]]]'],
    [{ author: 'ada', authors: 2 }, '{ author: "ada", authors: 2 }'],
    [{ at: new Date(0), bytes: new Uint8Array(2) }, '{ at: object, bytes: binary of 2 B }'],
    ['x '.repeat(200), `"${'x '.repeat(39)}x…"`],
    [`at 2026-11-24T10:00:00.000Z`, '"at 2026-11-24T10:00:00.000Z"'],
  ])('shows %j', (message, expected) => {
    expect(preview(message)).toBe(expected);
  });

  test.each<[string, unknown]>([
    ['a secret name', { password: 's3cr3t' }],
    [
      'a secret name in another spelling',
      { 'X-Auth-Token': 's3cr3t', apiKey: 's3cr3t', PWD: 's3cr3t' },
    ],
    ['an object under a secret name', { credentials: { user: 'ada', word: 's3cr3t' } }],
    ['a number under a secret name', { pin: 53747 }],
    ['JSON in a text', '{"jwt":"s3cr3t"}'],
    ['JSON in JSON', JSON.stringify({ body: JSON.stringify({ secret: 's3cr3t' }) })],
    ['JSON that is cut off', '{"jwt":"s3cr3t"'],
    ['JSON that is a text', JSON.stringify(JSON.stringify({ jwt: 's3cr3t' }))],
    ['a pair', [['authorization', 's3cr3t']]],
    ['a name beside its value', { name: 'password', value: 's3cr3t' }],
    ['a type that says so', { type: 'authenticate', data: ['s3cr3t'] }],
    ['an assignment', 'user=ada&token=s3cr3t&x=1'],
    ['an assignment with words', 'password: s3cr3t s3cr3t'],
    ['an assignment in quotes', 'password = "s3cr3t, s3cr3t"'],
    ['a header', 'Bearer s3cr3t'],
    ['a URL’s query', 'see wss://a.test/x?t=s3cr3t'],
    ['a URL’s fragment', 'see https://a.test/x#s3cr3t'],
    ['a URL’s user', 'https://ada:s3cr3t@a.test/'],
    ['a relative URL', '/x?t=s3cr3t'],
  ])('masks %s', (_, message) => {
    const shown = preview(message);
    expect(shown).not.toMatch(/s3cr3t|53747/);
  });

  test.each([
    jwt,
    random,
    '123e4567-e89b-12d3-a456-426614174000',
    '4111111111111111',
    jwt.slice(0, 20),
  ])('masks %s wherever it stands', (secret) => {
    for (const message of [secret, `a ${secret} b`, { text: secret }, [[{ x: `"${secret}"` }]]]) {
      expect(preview(message)).toContain('•••');
      expect(preview(message)).not.toContain(secret.slice(0, 8));
    }
    expect(preview({ [secret]: 1 })).toBe('{ •••: 1 }');
  });

  test('leaves no half of a secret where a text is cut', () => {
    const text = `${'a '.repeat(990)} ${random}`;
    expect(maskText(text)).not.toContain(random.slice(0, 6));
  });

  test('is not harmed by what cannot be read', () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('s3cr3t');
        },
      },
    );
    expect(preview(hostile)).toBe('unreadable');
    expect(describe(hostile)).toBe('unreadable');
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect(preview(loop)).toContain('{ self: { self: { self: object { self } } } }');
  });

  test('takes no longer for a text that is made to be slow', () => {
    const started = performance.now();
    for (const word of ['a', 'a.', 'eyJ', '=', 'a:', 'http://', '"'])
      maskText(word.repeat(100_000));
    expect(performance.now() - started).toBeLessThan(500);
  });
});
