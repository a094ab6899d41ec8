import { describe, expect, test } from 'vitest';
import { toSettings } from './options.ts';
import { deferred, FakeEnvironment } from './testing/fakes.test.util.ts';
import { createTokens } from './token.ts';
import type { Token, TokenContext } from './types.ts';

function setUp() {
  const world = new FakeEnvironment();
  const tokens = createTokens(toSettings({ url: '/', environment: world }));
  const { signal } = new AbortController();
  const context: TokenContext = { attempt: 1, reason: 'start', signal, previous: undefined };
  const fetch = (given: string | Token) => tokens.fetch(() => given, context);
  return { world, tokens, context, fetch };
}

describe('the token in hand', () => {
  test('is none before the first, and none after drop(), but is remembered as the previous', async () => {
    const { tokens, fetch } = setUp();
    expect([tokens.reuse('reuse'), tokens.previous]).toEqual([undefined, undefined]);
    await fetch('t1');
    expect(tokens.reuse('reuse')).toEqual({ token: 't1' });
    tokens.drop();
    expect([tokens.reuse('reuse'), tokens.previous]).toEqual([undefined, { token: 't1' }]);
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
    const { tokens, fetch } = setUp();
    const token = await fetch({ token: 't1', ...facts });
    tokens.dial();
    if (opened) tokens.opened();
    expect(tokens.reuse(policy)).toBe(may ? token : undefined);
  });

  test('that opened is not held against the one after it', async () => {
    const { tokens, fetch } = setUp();
    await fetch({ token: 't1', reusable: false });
    tokens.dial();
    tokens.opened();
    await fetch({ token: 't2', reusable: false });
    expect(tokens.reuse('reuse')?.token).toBe('t2');
    expect(tokens.dial()).toBe(false);
    expect(tokens.reuse('reuse')?.token).toBe('t2');
    expect(tokens.dial()).toBe(true);
  });

  test('is given up when another is asked for, even if that never comes', async () => {
    const { tokens, fetch, context } = setUp();
    await fetch('t1');
    tokens.fetch(() => new Promise(() => {}), context);
    expect(tokens.reuse('reuse')).toBeUndefined();
  });

  test('is never one that was asked for by an attempt which has ended', async () => {
    const { tokens, fetch, context } = setUp();
    const late = deferred<string>();
    const controller = new AbortController();
    const stale = tokens.fetch(() => late.promise, { ...context, signal: controller.signal });
    controller.abort();
    await fetch('t2');
    late.resolve('t1');
    await stale;
    expect([tokens.reuse('reuse')?.token, tokens.previous?.token]).toEqual(['t2', 't2']);
  });

  test('expires for good with its time, the clock being this machine’s', async () => {
    const { world, tokens, fetch } = setUp();
    await fetch({ token: 't1', expiresIn: 1000 });
    await world.advance(999);
    expect(tokens.reuse('reuse')?.token).toBe('t1');
    await world.advance(1);
    expect(tokens.reuse('reuse')).toBeUndefined();
  });
});

describe('doubt', () => {
  test('drops the token, once in a minute', async () => {
    const { world, tokens, fetch } = setUp();
    await fetch('t1');
    expect(tokens.doubt()).toBe(true);
    expect(tokens.reuse('reuse')).toBeUndefined();
    await fetch('t2');
    await world.advance(59_999);
    expect(tokens.doubt()).toBe(false);
    expect(tokens.reuse('reuse')?.token).toBe('t2');
    await world.advance(1);
    expect(tokens.doubt()).toBe(true);
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
    await expect(setUp().fetch(given as never)).rejects.toThrow('expected a string or { token }');
  },
);
