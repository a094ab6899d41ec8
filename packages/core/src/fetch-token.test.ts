import { describe, expect, test, vi } from 'vitest';
import { fetchToken } from './fetch-token.ts';
import { rig, settle } from './testing/fakes.test.util.ts';
import type { TokenContext } from './types.ts';

const { signal } = new AbortController();
const context: TokenContext = { attempt: 2, reason: 'connect-failed', previous: undefined, signal };

/** A `getToken` whose token route gives this answer. */
function route(body: unknown, init: ResponseInit = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const fetch = vi.fn(async (..._call: unknown[]) => new Response(text, init));
  const getToken = fetchToken('/token/ws', { fetch: fetch as never });
  return { fetch, ask: () => getToken(context) };
}

describe('fetchToken', () => {
  test('POSTs, past any cache, with the signal of the attempt', async () => {
    const { fetch, ask } = route({ data: { token: 't' } });
    await ask();
    expect(fetch.mock.calls).toEqual([
      ['/token/ws', { method: 'POST', cache: 'no-store', signal }],
    ]);
  });

  test('sends what it is given, asked for anew each time where that is a function', async () => {
    const fetch = vi.fn(async () => Response.json({ token: 't' })) as never;
    const init = vi.fn(async ({ attempt }: TokenContext) => ({
      fetch,
      method: 'GET',
      headers: { authorization: `Bearer jwt-${attempt}` },
    }));
    const getToken = fetchToken(new URL('https://a.test/token/ws'), init);
    await getToken(context);
    await getToken({ ...context, attempt: 3 });
    expect(
      vi.mocked(fetch as typeof globalThis.fetch).mock.calls.map(([, sent]) => sent),
    ).toMatchObject([
      { method: 'GET', cache: 'no-store', headers: { authorization: 'Bearer jwt-2' }, signal },
      { headers: { authorization: 'Bearer jwt-3' } },
    ]);
    expect(init).toHaveBeenCalledWith(context);
  });

  test('lets nothing take the signal of the attempt away', async () => {
    const fetch = vi.fn(async (_url: string, _init: RequestInit) => Response.json({ token: 't' }));
    await fetchToken('/', { fetch, signal: null } as never)(context);
    expect(fetch.mock.calls[0]?.[1].signal).toBe(signal);
  });

  test('uses the global fetch, as it is when it is called', async () => {
    const getToken = fetchToken('/token/ws');
    const fetch = vi.fn(async () => Response.json({ token: 't' }));
    vi.stubGlobal('fetch', fetch);
    expect(await getToken(context)).toEqual({ token: 't' });
    vi.unstubAllGlobals();
  });

  const facts = {
    token: 't',
    expiresIn: 900_000,
    reusable: false,
    protocol: 'two-stage.v1',
    more: 1,
  };
  test.each([
    ['the envelope', { status: 1, message: 'Token generated successfully', data: facts }],
    ['a bare token', facts],
  ])('reads %s, and keeps what it does not know', async (_name, body) => {
    expect(await route(body).ask()).toEqual(facts);
  });

  test.each<[string, unknown, ResponseInit, object]>([
    [
      'a refusal',
      { status: 0, message: 'no' },
      { status: 401 },
      { status: 401, retryAfter: undefined },
    ],
    [
      'when to come back, in ms, in the body',
      { status: 0, message: 'later', data: { retryAfter: 1234 } },
      { status: 503, headers: { 'retry-after': '2' } },
      { status: 503, retryAfter: 1234 },
    ],
    [
      'when to come back, in seconds, in the header',
      'busy',
      { status: 429, headers: { 'retry-after': '2' } },
      { status: 429, retryAfter: 2000 },
    ],
    ['a page of HTML', '<h1>Bad gateway</h1>', { status: 502 }, { status: 502 }],
    ['a body of null', 'null', { status: 500 }, { status: 500 }],
  ])('throws what getToken should throw: %s', async (_name, body, init, thrown) => {
    await expect(route(body, init).ask()).rejects.toMatchObject(thrown);
  });

  test.each(['{}', 'null', '[]', '"t"', 'no JSON', '{"data":{"token":5}}', '{"data":null}'])(
    'throws at an answer without a token: %s',
    async (body) => {
      await expect(route(body).ask()).rejects.toThrow(/expected { data: { token } }/);
    },
  );

  test('throws as fetch does', async () => {
    const broken = new TypeError('fetch failed');
    const getToken = fetchToken('/', { fetch: () => Promise.reject(broken) });
    await expect(getToken(context)).rejects.toBe(broken);
  });

  test('is a getToken: a 401 is final, and the token is used as it says', async () => {
    const { fetch } = route({});
    fetch.mockResolvedValueOnce(Response.json({ data: { token: 't', protocol: 'two-stage.v1' } }));
    fetch.mockResolvedValueOnce(Response.json({ status: 0 }, { status: 401 }));
    const { socket, become, world } = rig({
      getToken: fetchToken('/t', { fetch: fetch as never }),
    });
    const ws = await become('ready').catch(() => become('ready'));
    expect(ws).toMatchObject({ token: 't', protocols: ['two-stage.v1'] });
    ws.drop();
    await world.advance(2000);
    await settle();
    expect(socket.getSnapshot()).toMatchObject({
      status: 'closed',
      failure: { stage: 'token', code: 'unauthorized', status: 401 },
    });
  });
});
