import { expect, test, vi } from 'vitest';
import { memoryTokens } from './index.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { createTokenAnswer } from './token-answer.ts';

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Type': 'application/json; charset=utf-8',
};

test('a token is answered with what PROTOCOL.md 3.2 wants, and is the user’s', async () => {
  const environment = fakeEnvironment();
  const tokens = memoryTokens(environment);
  const answer = await createTokenAnswer({ tokens, environment })('ada');
  expect(answer).toEqual({
    status: 200,
    headers: HEADERS,
    body: {
      status: 1,
      message: 'Token generated successfully',
      data: {
        token: expect.stringMatching(/^[\w-]{43}$/),
        expiresIn: 900_000,
        expiresAt: '2030-01-01T00:15:00.000Z',
        reusable: false,
        protocol: 'two-stage.v1',
      },
    },
  });
  const { token } = (answer.body as { data: { token: string } }).data;
  expect(await tokens.take(token)).toBe('ada');
  expect(await tokens.take(token)).toBeUndefined();
});

test('a policy holds for all tokens, a change of it for one', async () => {
  const environment = fakeEnvironment();
  const tokens = memoryTokens(environment);
  const answer = createTokenAnswer({ tokens, environment, expiresIn: 1000, reusable: true });
  const { body: usual } = await answer('ada');
  expect(usual.data).toMatchObject({ expiresIn: 1000, reusable: true });
  const { body } = await answer('ada', { expiresIn: 2000, reusable: false, wire: 'original' });
  expect(body.data).toEqual({
    token: expect.any(String),
    expiresIn: 2000,
    expiresAt: '2030-01-01T00:00:02.000Z',
    reusable: false,
  });
});

test('where the store is down it says when to come back, and not why', async () => {
  const environment = fakeEnvironment();
  const tokens = memoryTokens(environment);
  vi.spyOn(tokens, 'mint').mockRejectedValue(new Error('mongodb://user:password@host'));
  expect(await createTokenAnswer({ tokens, environment })('ada')).toEqual({
    status: 503,
    headers: { ...HEADERS, 'Retry-After': '3' },
    body: {
      status: 0,
      message: 'Tokens cannot be had at the moment',
      data: { retryAfter: 3000 },
    },
  });
});

test.each([
  ['a user who asks too often', { tokenRate: async () => 1200 }, 429, 1200],
  ['a user who asks a little early', { tokenRate: async () => 500 }, 429, 500],
  ['a caller before the slot', { admission: () => 2500 }, 503, 2500],
  ['a server that stops', { draining: () => true }, 503, 5000],
])(
  '%s is told when to come back, and costs no token',
  async (_who, options, status, retryAfter) => {
    const environment = fakeEnvironment();
    const tokens = memoryTokens(environment);
    const mint = vi.spyOn(tokens, 'mint');
    const answer = await createTokenAnswer({ tokens, environment, ...options })('ada');
    expect(answer).toMatchObject({
      status,
      headers: { ...HEADERS, 'Retry-After': String(Math.ceil(retryAfter / 1000)) },
      body: { status: 0, data: { retryAfter } },
    });
    expect(mint).not.toHaveBeenCalled();
  },
);

test('a user has 120 tokens a minute unless said otherwise', async () => {
  const answer = createTokenAnswer({ tokens: memoryTokens() });
  for (let n = 0; n < 120; n += 1) expect((await answer('ada')).status).toBe(200);
  expect((await answer('ada')).status).toBe(429);
  expect((await answer('bob')).status).toBe(200);
});
