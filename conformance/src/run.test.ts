import { describe, expect, test } from 'vitest';
import { checkBroken, checkBrokenQuickly, failedRows, reasons } from './testing/tested.ts';

const TIMEOUT = { timeout: 90_000 };

const notRun = (report: Awaited<ReturnType<typeof checkBroken>>) =>
  report.rows.filter((row) => row.outcome === 'not-run');

describe.concurrent('a server that breaks nothing', () => {
  test('passes every row, on both wires', TIMEOUT, async () => {
    const report = await checkBroken([]);
    expect(report.rows.filter((row) => row.outcome === 'fail')).toEqual([]);
    expect(report.wires).toEqual(['two-stage.v1', 'original']);
    expect(report.passed).toBe(report.rows.length - report.notRun);
    // Its tokens are single-use.
    expect(notRun(report).map(({ rule }) => rule)).toEqual(['3.4.6']);
  });

  test('is not judged by what takes its secret, without it', TIMEOUT, async () => {
    const report = await checkBrokenQuickly([], {
      jwtSecret: undefined,
      only: ['3.3', '5.3', '7.1'],
    });
    expect(report.failed).toBe(0);
    const flaws = notRun(report).filter(({ detail }) => detail?.includes('pass --jwt-secret'));
    // Five flaws, at the token route, as init payload on both wires, and as renewal.
    expect(flaws).toHaveLength(20);
  });

  test('is not waited for longer than patience', TIMEOUT, async () => {
    const report = await checkBrokenQuickly([], { patience: 1200, only: ['3.4.7'] });
    expect(report.rows.map(({ outcome, detail }) => [outcome, detail])).toEqual([
      [
        'not-run',
        'tokens live 2000 ms: start the server with shorter ones, or raise --patience to 2100',
      ],
    ]);
  });

  test('is not stopped without a pid, nor logged out of without a route', TIMEOUT, async () => {
    const report = await checkBroken([], {
      pid: undefined,
      logoutPath: undefined,
      only: ['10.2', '10.5'],
    });
    expect(report.notRun).toBe(report.rows.length);
    const reasons = new Set(report.rows.map(({ detail }) => detail));
    expect([...reasons]).toEqual([
      'there is no logout (--logout-path none)',
      'which process to stop is not known: pass --pid',
    ]);
  });
});

test('rows of a wire that is not spoken are not run', TIMEOUT, async () => {
  const report = await checkBrokenQuickly(['names a wire that it does not speak']);
  expect(report.wires).toEqual(['original']);
  expect(failedRows(report), reasons(report)).toEqual(['3.2 (http)']);
  const twoStage = report.rows.filter(({ wire }) => wire === 'two-stage.v1');
  expect(new Set(twoStage.map(({ detail }) => detail))).toEqual(
    new Set(['the server does not speak two-stage.v1']),
  );
});

test('no secret is in a report', TIMEOUT, async () => {
  const report = await checkBrokenQuickly([
    'handles messages after a refusal',
    'selects what is offered first',
  ]);
  expect(report.failed).toBeGreaterThan(0);
  expect(JSON.stringify(report)).not.toMatch(/[\w-]{30,}/);
  expect(JSON.stringify(report)).toContain('<secret>');
});
