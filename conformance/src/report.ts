import type { Result } from './row.ts';
import type { Report } from './run.ts';

const WORDS = { pass: 'pass', fail: 'FAIL', 'not-run': 'not run' } as const;

/** A report for people. */
export function asTable({ url, wires, rows, passed, failed, notRun }: Report): string {
  const width = (cell: (row: Result) => string): number =>
    Math.max(0, ...rows.map((row) => cell(row).length));
  const rule = width((row) => row.rule);
  const wire = width((row) => row.wire);
  const lines = rows.flatMap((row) => {
    const word = WORDS[row.outcome].padEnd('not run'.length);
    const line = `${word}  ${row.rule.padEnd(rule)}  ${row.wire.padEnd(wire)}  ${row.title}`;
    return row.detail === undefined
      ? [line]
      : [line, `${' '.repeat('not run'.length + 2)}${row.detail}`];
  });
  return [
    `${url} speaks ${wires.join(' and ')}`,
    '',
    ...lines,
    '',
    `${passed} passed, ${failed} failed, ${notRun} not run`,
  ].join('\n');
}
