import { describe, expect, test } from 'vitest';
import { toSettings } from './options.ts';
import { deferred, FakeEnvironment } from './testing/fakes.test.util.ts';
import { createTokens } from './token.ts';
import type { Context, Options, Token } from './types.ts';

function setUp() {
  const world = new FakeEnvironment();
  const settings = toSettings({ url: '/', environment: world });
  const tokens = createTokens(settings);
  const { signal } = new AbortController();
  const context: Context = { attempt: 1, reason: 'start', signal };
  const reuse = (tokenRetry: Options['tokenRetry']) => {
    Object.assign(settings, { tokenRetry });
    return tokens.reuse();
  };
  const seen: (Token | undefined)[] = [];
  const fetch = (given: string | Token) =>
    tokens.fetch(({ previous }) => {
      seen.push(previous);
      return given;
    }, context);
  return { world, tokens, context, fetch, reuse, seen };
}

describe('the token in hand', () => {
  test('is none before the first, and none after drop(), but is remembered as the previous', async () => {
    const { tokens, fetch, reuse, seen } = setUp();
    expect(reuse('reuse')).toBeUndefined();
    await fetch('t1');
    expect(reuse('reuse')).toEqual({ token: 't1' });
    tokens.drop();
    expect(reuse('reuse')).toBeUndefined();
    await fetch('t2');
    expect(seen).toEqual([undefined, { token: 't1' }]);
  });

  test.each<[Partial<Token>, boolean, 'reuse' | 'refresh' | undefined, boolean]>([
    [{}, false, undefined, false],
    [{ reusable: true }, false, undefined, true],
    [{ reusable: false }, false, undefined, false],
    [{ reusable: true }, false, 'refresh', false],
    [{}, true, 'reuse', true],
    [{ reusable: true }, true, 'reuse', true],
    [{ reusable: false }, false, 'reuse', true],
    [{ reusable: false }, true, 'reuse', false],
    [{ reusable: true }, true, undefined, true],
  ])('%j, opened: %j, under %s: may be reused: %j', async (facts, opened, policy, may) => {
    const { tokens, fetch, reuse } = setUp();
    const token = await fetch({ token: 't1', ...facts });
    tokens.dial();
    if (opened) tokens.opened();
    expect(reuse(policy)).toBe(may ? token : undefined);
  });

  test('that opened is not held against the one after it', async () => {
    const { tokens, fetch, reuse } = setUp();
    await fetch({ token: 't1', reusable: false });
    tokens.dial();
    tokens.opened();
    await fetch({ token: 't2', reusable: false });
    expect(reuse('reuse')?.token).toBe('t2');
    expect(tokens.dial()).toBe(false);
    expect(reuse('reuse')?.token).toBe('t2');
    expect(tokens.dial()).toBe(true);
  });

  test('is given up when another is asked for, even if that never comes', async () => {
    const { tokens, context, fetch, reuse } = setUp();
    await fetch('t1');
    tokens.fetch(() => new Promise(() => {}), context);
    expect(reuse('reuse')).toBeUndefined();
  });

  test('is never one that was asked for by an attempt which has ended', async () => {
    const { tokens, context, fetch, reuse, seen } = setUp();
    const late = deferred<string>();
    const controller = new AbortController();
    const stale = tokens.fetch(() => late.promise, { ...context, signal: controller.signal });
    controller.abort();
    await fetch('t2');
    late.resolve('t1');
    await stale;
    expect(reuse('reuse')?.token).toBe('t2');
    await fetch('t3');
    expect(seen.at(-1)?.token).toBe('t2');
  });

  test('expires for good with its time, the clock being this machine’s', async () => {
    const { world, fetch, reuse } = setUp();
    await fetch({ token: 't1', expiresIn: 1000 });
    await world.advance(999);
    expect(reuse('reuse')?.token).toBe('t1');
    await world.advance(1);
    expect(reuse('reuse')).toBeUndefined();
  });
});

describe('doubt', () => {
  test('drops the token, once in a minute', async () => {
    const { world, tokens, fetch, reuse } = setUp();
    await fetch('t1');
    expect(tokens.doubt()).toBe(true);
    expect(reuse('reuse')).toBeUndefined();
    await fetch('t2');
    await world.advance(59_999);
    expect(tokens.doubt()).toBe(false);
    expect(reuse('reuse')?.token).toBe('t2');
    await world.advance(1);
    expect(tokens.doubt()).toBe(true);
  });

  test('is not ruled out for hours by a clock that is set back', async () => {
    const { world, tokens, fetch } = setUp();
    await fetch('t1');
    expect(tokens.doubt()).toBe(true);
    world.setClock(world.now() - 3_600_000);
    await fetch('t2');
    expect(tokens.doubt()).toBe(true);
    expect(tokens.doubt()).toBe(false);
  });

  test('is allowed again once a connection has opened', async () => {
    const { tokens, fetch } = setUp();
    await fetch('t1');
    expect(tokens.doubt()).toBe(true);
    tokens.opened();
    expect(tokens.doubt()).toBe(true);
  });
});

test.each([undefined, null, '', 0, {}, { token: '' }, { token: 1 }, ['t']])(
  '%j is no token',
  async (given) => {
    await expect(setUp().fetch(given as never)).rejects.toThrow(
      'getToken gave no token: expected a string, { token } or { url }',
    );
  },
);
