import { describe, expect, test, vi } from 'vitest';
import { deferred, originalAck, rig, settle, v1 } from './testing/fakes.test.util.ts';
import type { Token, TokenContext } from './types.ts';

/** A `getToken` that numbers its tokens and says of each what the test wants said. */
const mint = (facts: Partial<Token> = {}) => {
  let minted = 0;
  return vi.fn((_context: TokenContext) => ({ token: `t${++minted}`, ...facts }));
};

/** The token of each upgrade, over as many that fail before open as asked for. */
async function refusals(count: number, options: object) {
  const r = rig(options);
  for (let tries = 1; tries <= count; tries += 1) (await r.dial()).drop();
  await r.dial();
  return { ...r, used: r.dialled.map(({ token }) => token) };
}

describe('a retry', () => {
  const policies: [string, object, string[]][] = [
    ['refreshes a token that says nothing of itself', { getToken: mint() }, ['t1', 't2', 't3']],
    [
      'refreshes a token that says that it is not reusable',
      { getToken: mint({ reusable: false }) },
      ['t1', 't2', 't3'],
    ],
    [
      'reuses a token that says it is reusable',
      { getToken: mint({ reusable: true }) },
      ['t1', 't1', 't2'],
    ],
    [
      "reuses under tokenRetry 'reuse'",
      { getToken: mint(), tokenRetry: 'reuse' },
      ['t1', 't1', 't2'],
    ],
    [
      "refreshes under tokenRetry 'refresh', whatever the token says",
      { getToken: mint({ reusable: true }), tokenRetry: 'refresh' },
      ['t1', 't2', 't3'],
    ],
    [
      'reuses a token that is spent by opening, while it has not opened',
      { getToken: mint({ reusable: false }), tokenRetry: 'reuse' },
      ['t1', 't1', 't2'],
    ],
  ];
  test.each(policies)('%s', async (_name, options, tokens) => {
    expect((await refusals(2, options)).used).toEqual(tokens);
  });

  test('goes from waiting to connecting where there is a token to reuse', async () => {
    const { dial, events } = rig({ tokenRetry: 'reuse' });
    (await dial()).drop();
    await dial();
    expect(events.slice(-1)).toEqual(['state connecting']);
  });

  test('never reuses a token that has opened and is not reusable', async () => {
    const { become, dialled } = rig({ getToken: mint({ reusable: false }), tokenRetry: 'reuse' });
    (await become('ready')).drop();
    await become('ready');
    expect(dialled.map(({ token }) => token)).toEqual(['t1', 't2']);
  });

  test('reuses a reusable token over many connections', async () => {
    const { become, dialled } = rig({ getToken: mint({ reusable: true }) });
    for (let n = 1; n <= 5; n += 1) (await become('ready')).drop();
    expect(dialled.map(({ token }) => token)).toEqual(['t1', 't1', 't1', 't1', 't1']);
  });

  const start = rig().world.now();
  const lives: [string, Partial<Token>][] = [
    ['expiresIn', { expiresIn: 20_000 }],
    ['expiresAt in ms', { expiresAt: start + 20_000 }],
    ['expiresAt as a string', { expiresAt: new Date(start + 20_000).toISOString() }],
    ['expiresAt as a date', { expiresAt: new Date(start + 20_000) }],
    ['both, and expiresIn is preferred', { expiresIn: 20_000, expiresAt: start - 3_600_000 }],
  ];
  test.each(lives)('reuses until the token expires: %s', async (_name, life) => {
    for (const [age, tokens] of [
      [19_999, ['t1', 't1']],
      [20_000, ['t1', 't2']],
    ] as const) {
      const { world, become, dial, dialled } = rig({ getToken: mint({ reusable: true, ...life }) });
      const ws = await become('ready');
      await world.advance(age - 1000);
      ws.drop();
      await dial();
      expect(dialled.map(({ token }) => token)).toEqual(tokens);
    }
  });

  test('counts expiresIn from when the token was asked for', async () => {
    const answer = deferred<Token>();
    const getToken = vi.fn().mockReturnValueOnce(answer.promise).mockReturnValue('t2');
    const { socket, world, dial, dialled } = rig({ getToken });
    socket.connect();
    await world.advance(9000);
    answer.resolve({ token: 't1', expiresIn: 9500, reusable: true });
    (await dial()).drop();
    await dial();
    expect(dialled.map(({ token }) => token)).toEqual(['t1', 't2']);
  });

  test('does not reuse a token whose date cannot be read', async () => {
    const { dial, dialled } = rig({ getToken: mint({ reusable: true, expiresAt: 'tomorrow' }) });
    (await dial()).drop();
    await dial();
    expect(dialled.map(({ token }) => token)).toEqual(['t1', 't2']);
  });
});

describe('a reused token that ends before open', () => {
  const reusable = () => ({ getToken: mint({ reusable: true }) });

  test('is suspect, and the failure says so', async () => {
    const { socket, dial, getToken } = { ...reusable(), ...rig() };
    socket.configure({ getToken });
    (await dial()).drop();
    expect(socket.getSnapshot()).toMatchObject({ failure: { code: 'connect-failed' } });
    (await dial()).drop();
    expect(socket.getSnapshot()).toMatchObject({
      failure: { stage: 'connect', code: 'token-suspect', retryable: true },
    });
    await dial();
    expect(getToken.mock.calls.at(-1)?.[0].reason).toBe('token-suspect');
  });

  test('is suspected once in an outage, which then costs no more tokens', async () => {
    const { used } = await refusals(6, { ...reusable(), retry: { maxDelay: 1000 } });
    expect(used).toEqual(['t1', 't1', 't2', 't2', 't2', 't2', 't2']);
  });

  test('is suspected again once a connection has opened', async () => {
    const { dial, become, dialled } = rig(reusable());
    for (let tries = 1; tries <= 3; tries += 1) (await dial()).drop();
    (await become('authenticating')).drop(1012);
    for (let tries = 1; tries <= 2; tries += 1) (await dial()).drop();
    expect(dialled.map(({ token }) => token)).toEqual(['t1', 't1', 't2', 't2', 't2', 't3']);
  });

  test('is suspected again after a minute', async () => {
    for (const [outage, last] of [
      [57_000, 't2'],
      [61_000, 't3'],
    ] as const) {
      const { world, dial, last: ws } = rig({ ...reusable(), timeouts: { connect: 0 } });
      for (let tries = 1; tries <= 3; tries += 1) (await dial()).drop();
      await dial();
      await world.advance(outage - 2250);
      ws().drop();
      await dial();
      expect(ws().token).toBe(last);
    }
  });

  test('is suspect too when the upgrade times out', async () => {
    const { world, dial, dialled } = rig(reusable());
    (await dial()).drop();
    await dial();
    await world.advance(10_000);
    await dial();
    expect(dialled.map(({ token }) => token)).toEqual(['t1', 't1', 't2']);
  });

  test('is not blamed for what the app did meanwhile', async () => {
    const payload = deferred<unknown>();
    const initPayload = vi.fn().mockReturnValueOnce('jwt').mockReturnValueOnce(payload.promise);
    const { socket, dial } = rig({ ...reusable(), initPayload });
    (await dial()).drop();
    await dial();
    payload.reject({ status: 401 });
    await settle();
    expect(socket.getSnapshot()).toMatchObject({
      status: 'closed',
      failure: { stage: 'init', code: 'unauthorized' },
    });
  });

  test('is no one where there is no token', async () => {
    const { dial, events } = rig({ getToken: undefined });
    for (let tries = 1; tries <= 3; tries += 1) (await dial()).drop();
    expect(events.filter((event) => event.startsWith('error'))).toEqual(
      Array(3).fill('error connect-failed'),
    );
  });
});

describe('what the app is told', () => {
  test('getToken: the token before, whatever became of it, and none after close()', async () => {
    const getToken = mint({ reusable: true });
    const { socket, become } = rig({ getToken });
    (await become('authenticating')).drop(4401);
    await become('ready');
    socket.reconnect();
    await become('ready');
    socket.close();
    await become('ready');
    expect(getToken.mock.calls.map(([{ previous }]) => previous?.token)).toEqual([
      undefined,
      't1',
      't2',
      undefined,
    ]);
  });

  test('url: the token that goes with it, with whatever else the route returned', async () => {
    const url = vi.fn(({ token }: { token: Token & { host: string } }) => `wss://${token.host}/`);
    const { dial } = rig({ getToken: () => ({ token: 'a b', host: 'node-7.test' }), url });
    expect((await dial()).url).toBe('wss://node-7.test/?token=a%20b');
    expect(url.mock.calls[0]?.[0]).toMatchObject({ attempt: 1, reason: 'start' });
  });

  test('url is asked after the token, once an attempt, and no token is there without getToken', async () => {
    const url = vi.fn(() => Promise.resolve(new URL('https://example.test/live#part')));
    const { dial } = rig({ url, getToken: undefined });
    (await dial()).drop();
    expect((await dial()).url).toBe('wss://example.test/live');
    expect(url).toHaveBeenCalledTimes(2);
    expect(url).toHaveBeenLastCalledWith(expect.objectContaining({ token: undefined }));
  });

  test('initPayload: asked for every connection, reused token or not', async () => {
    const { become, payloadCalls, dialled } = rig({ tokenRetry: 'reuse' });
    for (let n = 1; n <= 3; n += 1) (await become('ready')).drop();
    expect(payloadCalls).toHaveLength(3);
    expect(dialled.map(({ sent }) => sent[0])).toEqual(
      [1, 2, 3].map((n) => `{"type":"jwt","token":"jwt-${n}"}`),
    );
  });

  test('all: a signal that aborts when the attempt ends, whichever way', async () => {
    const { socket, dial, become, tokenCalls, payloadCalls } = rig();
    (await dial()).drop();
    await become('ready');
    socket.reconnect();
    socket.close();
    const signals = [...tokenCalls, ...payloadCalls].map(({ signal }) => signal);
    expect(signals.length).toBeGreaterThanOrEqual(4);
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
  });
});

describe('the token travels', () => {
  const ways: [string, object, string, string[]][] = [
    ['in the query', {}, 'wss://example.test/?token=t%2B1', []],
    ["in the query: 'query'", { tokenIn: 'query' }, 'wss://example.test/?token=t%2B1', []],
    [
      'in a named parameter',
      { tokenIn: { query: 'ticket' } },
      'wss://example.test/?ticket=t%2B1',
      [],
    ],
    [
      'beside a real subprotocol',
      { tokenIn: 'subprotocol', protocols: ['chat', 'chat.v2'] },
      'wss://example.test/',
      ['chat', 'chat.v2', 'token.t+1'],
    ],
    [
      'where a function puts it',
      { tokenIn: (url: string, token: string) => `${url}${token}/live` },
      'wss://example.test/t+1/live',
      [],
    ],
  ];
  test.each(ways)('%s', async (_name, options, url, protocols) => {
    const { dial } = rig({ url: 'wss://example.test/', getToken: () => 't+1', ...options });
    expect(await dial()).toMatchObject({ url, protocols });
  });

  const offers: [string, object, object, string[]][] = [
    ['nothing of its own accord', {}, {}, []],
    ['what the token names', { protocol: v1 }, {}, [v1]],
    ['what the option says, which goes before', { protocol: v1 }, { protocols: 'mine' }, ['mine']],
    ['nothing, when the option says so', { protocol: v1 }, { protocols: [] }, []],
    [
      'the token beside what it names',
      { protocol: v1 },
      { tokenIn: 'subprotocol' },
      [v1, 'token.t'],
    ],
  ];
  test.each(offers)('and %s is offered', async (_name, token, options, protocols) => {
    const { dial } = rig({ getToken: () => ({ token: 't', ...token }), ...options });
    expect((await dial()).protocols).toEqual(protocols);
  });
});

describe('the init payload', () => {
  const frames: [string, unknown, unknown][] = [
    ['a string as it is', 'secret', 'secret'],
    ['null as JSON', null, 'null'],
    ['an object as JSON', { type: 'jwt', token: 'j' }, '{"type":"jwt","token":"j"}'],
    ['what a function gives', () => Promise.resolve({ j: 1 }), '{"j":1}'],
    ['a promise', Promise.resolve('later'), 'later'],
  ];
  test.each(frames)('may be %s', async (_name, initPayload, frame) => {
    const { become, last } = rig({ initPayload });
    await become('authenticating');
    expect(last().sent).toEqual([frame]);
  });

  test('goes through the codec on the original wire', async () => {
    const codec = {
      encode: (message: unknown) => `<${message}>`,
      decode: (frame: unknown) => [frame],
    };
    const { become, last } = rig({ initPayload: 'jwt', codec });
    await become('authenticating');
    expect(last().sent).toEqual(['<jwt>']);
  });

  test('that arrives after open leaves when it arrives, and the init timeout counts from open', async () => {
    const payload = deferred<string>();
    const { socket, world, dial } = rig({ initPayload: () => payload.promise });
    const ws = await dial();
    ws.accept();
    await world.advance(6000);
    payload.resolve('jwt');
    await settle();
    expect(ws.sent).toEqual(['jwt']);
    await world.advance(4000);
    expect(socket.getSnapshot()).toMatchObject({ failure: { code: 'init-timeout' } });
  });

  test('that arrives for an attempt which has ended goes nowhere', async () => {
    const stale = deferred<string>();
    const initPayload = vi.fn().mockReturnValueOnce(stale.promise).mockReturnValue('fresh');
    const { dial, become, dialled } = rig({ initPayload });
    (await dial()).drop();
    await become('authenticating');
    stale.resolve('stale');
    await settle();
    expect(dialled.map(({ sent }) => sent)).toEqual([[], ['fresh']]);
  });

  test('that fails ends the upgrade that is under way', async () => {
    const payload = deferred<string>();
    const { socket, dial } = rig({ initPayload: () => payload.promise });
    const ws = await dial();
    payload.reject(new Error('signed out'));
    await settle();
    expect(ws.live).toBe(false);
    expect(socket.getSnapshot()).toMatchObject({ failure: { stage: 'init', code: 'init-failed' } });
  });

  test('is sent once, however often the server speaks before the ack', async () => {
    const { become, last } = rig();
    const ws = await become('authenticating');
    for (const greeting of ['hello', { type: 'challenge' }, '']) ws.say(greeting);
    ws.say(originalAck);
    expect(last().sent).toHaveLength(1);
  });
});
