import { describe, expect, test } from 'vitest';
import type { Break } from './testing/breaks.ts';
import { checkBroken, checkBrokenQuickly, failedRows, reasons } from './testing/tested.ts';

const TIMEOUT = { timeout: 90_000 };

/** What is broken, and the rows that have to find it. */
const READY: readonly [Break, readonly string[]][] = [
  ['understands pings on the original wire', ['6.2, 9 (original)']],
  ['answers bytes with text', ['6.2, 7 (two-stage.v1)', '6.2, 7 (original)']],
  ['says ready for nobody', ['7.2 (two-stage.v1)', '7.1, 7.2 (two-stage.v1)']],
  ['says in seconds when a JWT expires', ['7.2 (two-stage.v1)', '7.1, 7.2 (two-stage.v1)']],
  ['does not check a renewal', ['7.1 (two-stage.v1)', '10.2, 7.1 (two-stage.v1)']],
  ['does not answer a renewal', ['7.1, 7.2 (two-stage.v1)']],
  ['drops values that are falsy', ['7.3 (two-stage.v1)', '7.3, 2.2.3 (two-stage.v1)']],
  ['has no pong', ['7.4 (two-stage.v1)', '7.6 (two-stage.v1)', '9 (two-stage.v1)']],
  // A `pong` is nothing that a server has to know.
  ['closes at an unknown type', ['7.4 (two-stage.v1)', '7.6 (two-stage.v1)']],
  ['looks types up in an object', ['7.6 (two-stage.v1)']],
  ['ignores invalid frames', ['9 (two-stage.v1)', '8.4 (two-stage.v1)']],
  ['takes NaN for JSON', ['9 (two-stage.v1)']],
  ['handles messages after an invalid frame', ['8.4 (two-stage.v1)']],
  ['ends nobody at a logout', ['10.2 (two-stage.v1)', '10.2 (original)']],
  ['ends everybody at a logout', ['10.2 (two-stage.v1)', '10.2 (original)']],
  [
    'accepts a JWT after its logout',
    [
      '10.2 (http)',
      '10.2, 3.3 (http)',
      '10.2, 5.3 (two-stage.v1)',
      '10.2, 5.3 (original)',
      '10.2, 7.1 (two-stage.v1)',
    ],
  ],
  ['knows a JWT by its text', ['10.2 (http)']],
  ['never ends who does not answer pings', ['10.3 (two-stage.v1)', '10.3 (original)']],
];

const messages = ['10.4, 8.1 (two-stage.v1)', '10.4, 8.1 (original)'];
const connections = ['10.4, 8.1, 5.4 (two-stage.v1)', '10.4, 8.1, 5.4 (original)'];
const plain = ['10.4 (two-stage.v1)', '10.4 (original)'];
const places = '10.4, 4.2.3, 3.3.1 (http)';
const tokens = '10.4, 3.3.1 (http)';

const LIMITS: readonly [Break, readonly string[]][] = [
  ['says no retry-after with 4429', [...messages, ...connections]],
  ['says no Retry-After with 503', [places]],
  ['says no Retry-After with 429', [tokens]],
  ['rounds Retry-After down', [places, tokens]],
  ['spends the token when it is full', [places]],
  ['acks one connection too many', connections],
  ['closes a large frame with 1000', plain],
  ['closes who does not read with 1008', plain],
];

const goingAway = '7.5, 10.5 (two-stage.v1)';
const restart = ['10.5, 8.1 (two-stage.v1)', '10.5, 8.1 (original)'];
const refused = '10.5, 4.2.3 (http)';

const STOP: readonly [Break, readonly string[]][] = [
  ['does not say that it goes away', [goingAway]],
  ['tells everybody the same delays', [goingAway, ...restart]],
  ['tells unauthenticated sockets that it goes away', [goingAway]],
  ['ends before its own deadline', [goingAway]],
  ['stops serving at once', [goingAway]],
  ['stops with 1001', restart],
  // Without a close frame is how the original wire ends at the deadline of 5.5 as well.
  ['cuts unauthenticated sockets off at the stop', ['10.5, 8.1 (two-stage.v1)']],
  ['admits upgrades while it stops', [refused]],
  ['leaves upgrades unanswered while it stops', [refused]],
  ['listens no more when it stops', [refused]],
  ['says no Retry-After with 503', [refused]],
];

describe.concurrent('finds a server out that', () => {
  test.for(READY)('%s', TIMEOUT, async ([broken, rows]) => {
    const only = ['6', '7', '8.4', '9', '10.2', '10.3'];
    const report = await checkBrokenQuickly([broken], { only });
    expect(failedRows(report).sort(), reasons(report)).toEqual([...rows].sort());
  });

  test('says another ack on the original wire', TIMEOUT, async () => {
    // Nobody gets as far as a connection: this is the row that is about it.
    const broken: Break = 'says another ack on the original wire';
    const report = await checkBrokenQuickly([broken], { only: ['6.1'] });
    expect(failedRows(report), reasons(report)).toEqual(['6.1 (original)']);
  });

  test('ends everybody at an invalid frame', TIMEOUT, async () => {
    // Rows beside it lose their connections as well.
    const report = await checkBrokenQuickly(['ends everybody at an invalid frame'], {
      only: ['9'],
    });
    expect(failedRows(report), reasons(report)).toEqual(['9 (two-stage.v1)']);
  });

  test('keeps the old expiry at a renewal', TIMEOUT, async () => {
    const report = await checkBroken(['keeps the old expiry at a renewal'], { only: ['10.1'] });
    expect(failedRows(report), reasons(report)).toEqual(['7.1, 10.1 (two-stage.v1)']);
  });

  test('lives on when the JWT expires', TIMEOUT, async () => {
    const report = await checkBroken(['lives on when the JWT expires'], { only: ['10.1'] });
    expect(report.failed, reasons(report)).toBe(report.rows.length);
  });

  test.for(LIMITS)('%s, at a limit', TIMEOUT, async ([broken, rows]) => {
    const report = await checkBroken([broken], { only: ['10.4'], patience: 15_000 });
    expect(failedRows(report).sort(), reasons(report)).toEqual([...rows].sort());
  });

  test('is not judged by upgrades it was gone for', TIMEOUT, async () => {
    const report = await checkBroken(
      ['is gone at once when it stops', 'names a wire that it does not speak'],
      { only: ['4.2.3'] },
    );
    const stop = report.rows.find(({ rule }) => rule === '10.5, 4.2.3');
    expect(stop).toMatchObject({
      outcome: 'not-run',
      detail: 'the server was gone before another upgrade could be tried',
    });
  });

  test.for(STOP)('%s, at the stop', TIMEOUT, async ([broken, rows]) => {
    const report = await checkBroken([broken], { only: ['10.5'] });
    expect(failedRows(report).sort(), reasons(report)).toEqual([...rows].sort());
  });
});
