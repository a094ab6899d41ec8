import { afterEach, expect, test, vi } from 'vitest';
import type { ErrorCode, Stage } from './errors.ts';
import { appFacts, closeFacts, headerDelay } from './failure.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const closes: [number, Record<Exclude<Stage, 'token'>, ErrorCode>][] = [
  [1000, { connect: 'connect-failed', init: 'init-dropped', ready: 'connection-lost' }],
  [1006, { connect: 'connect-failed', init: 'init-dropped', ready: 'connection-lost' }],
  [1011, { connect: 'connect-failed', init: 'init-dropped', ready: 'connection-lost' }],
  ...[1012, 1013, 4429].map((code): [number, Record<Exclude<Stage, 'token'>, ErrorCode>] => [
    code,
    { connect: 'server-busy', init: 'server-busy', ready: 'server-busy' },
  ]),
  [4400, { connect: 'protocol-error', init: 'protocol-error', ready: 'protocol-error' }],
  [4401, { connect: 'unauthorized', init: 'unauthorized', ready: 'unauthorized' }],
  [4403, { connect: 'forbidden', init: 'forbidden', ready: 'forbidden' }],
  [4408, { connect: 'init-timeout', init: 'init-timeout', ready: 'init-timeout' }],
  [4999, { connect: 'connect-failed', init: 'init-dropped', ready: 'connection-lost' }],
];
test.each(closes)('a close with %d means what its stage makes of it', (closeCode, codes) => {
  for (const [stage, code] of Object.entries(codes)) {
    expect(closeFacts(stage as Stage, closeCode, '')).toMatchObject({ code, closeCode });
  }
});

test.each([
  ['retry-after=1500', 1500],
  ['retry-after=0', 0],
  ['restarting; retry-after=20', 20],
  ['retry-after=-5', undefined],
  ['retry-after=soon', undefined],
  ['', undefined],
])('the reason %j asks to stay away for %s ms', (reason, retryAfter) => {
  expect(closeFacts('ready', 1012, reason).retryAfter).toBe(retryAfter);
});

const headers = (value: string) => new Headers({ 'retry-after': value });

test.each<[unknown, object]>([
  [new Error('boom'), { code: 'token-failed', status: undefined, retryAfter: undefined }],
  [undefined, { code: 'token-failed' }],
  [null, { code: 'token-failed' }],
  ['a string', { code: 'token-failed' }],
  [{ status: 500 }, { code: 'token-failed', status: 500 }],
  [{ status: 401 }, { code: 'unauthorized', status: 401 }],
  [{ status: 403 }, { code: 'unauthorized', status: 403 }],
  [
    { status: 429, retryAfter: 1500 },
    { code: 'token-failed', status: 429, retryAfter: 1500 },
  ],
  [{ retryAfter: 0 }, { retryAfter: 0 }],
  [{ retryAfter: -1 }, { retryAfter: undefined }],
  [{ retryAfter: 'soon' }, { retryAfter: undefined }],
  [{ retryAfter: null, headers: headers('2') }, { retryAfter: 2000 }],
  [{ retryAfter: 5, headers: headers('2') }, { retryAfter: 5 }],
  [{ headers: { 'retry-after': '2' } }, { retryAfter: undefined }],
  [new Response(null, { status: 503, headers: headers('3') }), { status: 503, retryAfter: 3000 }],
])('what the app throws, %j, is read as %j', (cause, facts) => {
  expect(appFacts('token-failed', cause)).toMatchObject({ ...facts, cause });
});

test.each([
  ['7', 7000],
  ['0', 0],
  ['1.5', 1500],
  ['Thu, 01 Jan 2026 00:00:10 GMT', 10_000],
  ['Wed, 31 Dec 2025 00:00:00 GMT', undefined],
  ['-1', undefined],
  ['soon', undefined],
  ['', undefined],
  [null, undefined],
])('the header Retry-After: %s is %s ms', (header, ms) => {
  vi.spyOn(Date, 'now').mockReturnValue(Date.UTC(2026, 0, 1));
  expect(headerDelay(header)).toBe(ms);
});
