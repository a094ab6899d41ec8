import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { reduceTimeline } from './reduce-timeline.ts';
import { toReport } from './report.ts';
import { emptyTimeline, type Observation } from './timeline.ts';
import { version } from './version.ts';

const start = Date.parse('2026-11-24T10:00:00.000Z');
const surroundings = {
  now: start + 60_000,
  userAgent: 'A browser',
  isOnline: false,
  isVisible: true,
};

const toTimeline = (...events: Observation[]) => events.reduce(reduceTimeline, emptyTimeline);

const state = (ms: number, facts: (Observation & { type: 'state' })['state']): Observation => ({
  type: 'state',
  at: start + ms,
  state: facts,
});

test('a report says what happened when, in ms since the first attempt', () => {
  const lost = {
    code: 'connection-lost',
    stage: 'ready',
    closeCode: 1006,
    retryable: true,
  } as const;
  const invalid = { code: 'frame-invalid', stage: 'ready', retryable: false } as const;
  const timeline = toTimeline(
    state(0, { status: 'fetching-token', attempt: 1 }),
    state(12, { status: 'connecting', attempt: 1 }),
    state(40, { status: 'authenticating', attempt: 1 }),
    state(44, { status: 'ready', attempt: 1, wire: 'two-stage.v1' }),
    {
      type: 'traffic',
      at: start + 1500,
      counts: { in: 1200, out: 3, unsent: 0 },
      samples: [{ direction: 'in', text: 's3cr3t' }],
    },
    { type: 'failure', at: start + 1600, failure: invalid },
    { type: 'failure', at: start + 1700, failure: invalid },
    state(2044, {
      status: 'waiting',
      attempt: 1,
      failure: lost,
      until: { retryAt: start + 2544 },
    }),
    state(2545, { status: 'fetching-token', attempt: 2 }),
  );
  const quiet = { name: 'quiet', timeline: emptyTimeline };
  expect(toReport([{ name: 'chat', timeline }, quiet], surroundings)).toBe(`\
## Two-Stage Socket report

- @two-stage-socket/core ${version}
- A browser
- offline, page visible
- 2026-11-24T10:01:00.000Z

### chat: fetching token

Messages: 1,200 in, 3 out. Times in ms since 2026-11-24T10:00:00.000Z.

\`\`\`
        0  attempt 1
        0    fetching-token 12 ms
       12    connecting 28 ms
       40    authenticating 4 ms
       44    ready 2.0 s, two-stage.v1
     1500    1,200 in, 3 out
     1600    frame-invalid (stage ready) × 2
     2044    failed: connection-lost (stage ready, close code 1006)
     2044    waits 500 ms, waited 501 ms
     2545  attempt 2
     2545    fetching-token 57.5 s
\`\`\`

### quiet: idle

Nothing has happened yet.
`);
});

test.each([
  [1, '(1 attempt before these)'],
  [2, '(2 attempts before these)'],
])('with %d forgotten it says %j', (forgotten, text) => {
  const timeline = toTimeline(state(0, { status: 'connecting', attempt: 3 }));
  const report = toReport([{ name: 'chat', timeline: { ...timeline, forgotten } }], surroundings);
  expect(report).toContain(`\n${text}\n`);
});

test('it tells the version of this package', () => {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  expect(version).toBe(JSON.parse(manifest).version);
});
