import { describe, expect, onTestFinished, test } from 'vitest';
import { SETTINGS } from './testing/breakable-settings.ts';
import type { Break } from './testing/breaks.ts';
import { checkBrokenQuickly, failedRows, reasons } from './testing/tested.ts';

const anyJwt = [
  '3.3 (http)',
  '5.3, 5.4 (two-stage.v1)',
  '5.3, 5.4 (original)',
  '7.1 (two-stage.v1)',
];
const originOf = ['3.5, 4.2.2 (http)', '3.5 (http)'];
const tokenAnswer = ['3.1, 3.2, 3.4.2 (http)', '3.1 (http)'];
const malformed = ['4.3 (http)', '4.1, 4.3 (http)'];
const anyRefusal = ['5.3, 5.4 (two-stage.v1)', '5.3, 5.4 (original)'];
const oneTry = ['5.3, 5.4, 8.4 (two-stage.v1)', '5.3, 5.4, 8.4 (original)'];
const deadline = ['5.5 (two-stage.v1)', '5.5 (original)'];

/** What is broken, and the rows that have to find it. */
type Expected = readonly [Break, readonly string[]];

/** Found by the rows of the token stage and the upgrade. */
const ADMISSION: readonly Expected[] = [
  ['answers tokens without an envelope', tokenAnswer],
  ['lets tokens be cached', tokenAnswer],
  [
    'mints tokens with padding',
    // A subprotocol cannot carry them.
    [
      ...tokenAnswer,
      '4.1 (two-stage.v1)',
      '4.1.2, 4.4.3 (two-stage.v1)',
      '4.4.3 (two-stage.v1)',
      '4.1.2, 4.4.3 (original)',
    ],
  ],
  ['mints short tokens', tokenAnswer],
  ['leaves expiresIn out', tokenAnswer],
  // The token that is then used after its end is still good.
  ['says in seconds when a token expires', [...tokenAnswer, '3.4.7, 4.3 (http)']],
  ['names a wire that it does not speak', ['3.2 (http)']],
  ['takes a JWT in the query', ['3.1 (http)']],
  ['refuses JWTs without a challenge', ['3.1 (http)', '3.3 (http)']],

  ['finds and spends a token in two steps', ['3.4.5 (http)']],
  ['spends no token', ['3.4.5 (http)', '4.3 (http)']],
  ['ignores the expiry of tokens', ['3.4.7, 4.3 (http)']],

  ['admits foreign origins at the token route', originOf],
  ['admits origins that begin with ours', originOf],
  ['admits the origin null', originOf],
  ['keeps pages from reading', originOf],
  ['spends the token before it looks at the origin', ['3.5, 4.2.2 (http)']],

  ['looks at the path last', ['4.2 (http)']],
  ['looks at the token before the origin', ['3.5, 4.2.2 (http)', '4.2 (http)']],
  ['says why with 401', malformed],
  ['refuses upgrades without a challenge', ['3.4.7, 4.3 (http)', '4.3 (http)', '4.1, 4.3 (http)']],
  ['refuses other versions with 400', ['4.2.4 (http)']],
  ['reads one line of subprotocols', ['4.1 (two-stage.v1)']],
  ['numbers its 401s', ['3.4.7, 4.3 (http)', ...malformed]],
  ['opens a socket to refuse it', ['3.4.5 (http)', '3.4.7, 4.3 (http)', ...malformed]],
  ['answers a malformed token with 400', malformed],
  ['takes the last of two tokens', malformed],
  [
    'looks for the token in the query alone',
    [
      '4.1 (two-stage.v1)',
      '4.1, 4.3 (http)',
      '4.1.2, 4.4.3 (two-stage.v1)',
      '4.4.3 (two-stage.v1)',
      '4.1.2, 4.4.3 (original)',
    ],
  ],
  [
    'selects what is offered first',
    ['4.4.1 (two-stage.v1)', '4.4.2 (original)', '4.4.3 (two-stage.v1)', '4.1.2, 4.4.3 (original)'],
  ],
  [
    'selects two-stage.v1 only when it is alone',
    [
      '4.1 (two-stage.v1)',
      '4.1.2, 4.4.3 (two-stage.v1)',
      '4.4.1 (two-stage.v1)',
      '4.4.3 (two-stage.v1)',
    ],
  ],
];

/** Found by the rows of whatever verifies a JWT. */
const JWTS: readonly Expected[] = [
  ['accepts alg none', anyJwt],
  ['lets the JWT choose the algorithm', anyJwt],
  ['ignores the signature', anyJwt],
  ['ignores the issuer', anyJwt],
  ['ignores the audience', anyJwt],
  ['ignores not-before', anyJwt],
  ['ignores expiry', anyJwt],
  ['ignores the subject', [...anyRefusal, '7.1 (two-stage.v1)']],
];

/** Found by the rows of the init stage. */
const INIT: readonly Expected[] = [
  ['drops messages that waited', ['5.2.2 (two-stage.v1)', '5.2.2 (original)']],
  ['reorders messages that waited', ['5.2.2 (two-stage.v1)', '5.2.2 (original)']],
  ['reads a first frame of any size', ['5.2.3 (two-stage.v1)', '5.2.3 (original)']],
  [
    'acks before the verification',
    [
      ...anyRefusal,
      ...oneTry,
      '7.2 (two-stage.v1)',
      '10.2, 5.3 (two-stage.v1)',
      '10.2, 5.3 (original)',
    ],
  ],
  ['looks at a second init payload', oneTry],
  ['handles messages after a refusal', oneTry],
  [
    'sends a close frame on the original wire',
    [
      '5.3, 5.4 (original)',
      '5.4 (original)',
      '5.3, 5.4, 8.4 (original)',
      '5.5 (original)',
      '10.2, 5.3 (original)',
    ],
  ],
  [
    'refuses with one code for everything',
    ['5.3, 5.4 (two-stage.v1)', '5.4 (two-stage.v1)', '5.5 (two-stage.v1)'],
  ],
  ['repeats the JWT in the reason', ['5.3, 5.4 (two-stage.v1)', '10.2, 5.3 (two-stage.v1)']],
  ['takes any first frame for an init payload', ['5.4 (two-stage.v1)', '5.4 (original)']],
  ['closes what is not UTF-8 with 4400', ['5.4, 8 (two-stage.v1)', '5.4, 8 (original)']],
  ['has no deadline', deadline],
  ['moves the deadline at pings', deadline],
  ['moves the deadline at bytes', deadline],
];

const TIMEOUT = { timeout: 60_000 };

async function expectFound(
  broken: Break,
  rows: readonly string[],
  only: readonly string[],
): Promise<void> {
  const report = await checkBrokenQuickly([broken], { only });
  expect(failedRows(report).sort(), reasons(report)).toEqual([...rows].sort());
}

describe.concurrent('finds a server out that', () => {
  test.for(ADMISSION)('%s', TIMEOUT, ([broken, rows]) => expectFound(broken, rows, ['3', '4']));

  test.for(JWTS)('%s', TIMEOUT, ([broken, rows]) =>
    expectFound(broken, rows, ['3', '5.3', '7.1', '10.2']),
  );

  test.for(INIT)('%s', TIMEOUT, ([broken, rows]) =>
    expectFound(broken, rows, ['5', '6.1', '7.2', '8.4', '10.2']),
  );

  test('greets before the ack', TIMEOUT, async () => {
    // Whatever comes before the ack breaks every row that waits for one: these are about it.
    const report = await checkBrokenQuickly(['greets before the ack'], { only: ['5.2.1', '5.4'] });
    expect(report.failed, reasons(report)).toBe(report.rows.length);
  });

  test('broadcasts to everybody', TIMEOUT, async () => {
    // A row that is faster than a broadcast does not see it: these wait for more than one.
    const only = ['5.2.1', '5.5'];
    const report = await checkBrokenQuickly(['broadcasts to everybody'], { only });
    expect(report.failed, reasons(report)).toBe(report.rows.length);
  });
});

test('finds a deadline that bytes move, though the runner was held up as long as it is', {
  timeout: 60_000,
}, async () => {
  const broken: Break = 'moves the deadline at bytes';
  const hold = setTimeout(() => {
    const until = performance.now() + SETTINGS.initTimeout + 500;
    while (performance.now() < until);
  }, 1000);
  onTestFinished(() => clearTimeout(hold));
  const report = await checkBrokenQuickly([broken], { only: ['5.5'] });
  expect(failedRows(report).sort(), reasons(report)).toEqual([...deadline].sort());
});
