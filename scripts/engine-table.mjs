import { textTable } from './text-table.mjs';

/**
 * The part of Vitest's JSON report that is read here.
 *
 * @typedef {object} EngineReport
 * @property {{ assertionResults: { status: string, title: string, ancestorTitles: string[] }[] }[]} testResults
 */

/** The groups that are the same test for different adapters. */
const frameworks = ['react', 'vue', 'svelte'];

/** What the name of a test that is skipped says about why. */
const reasons = [/^()(not run: .*)$/, /^(.*) \((not possible: .*)\)$/];

/**
 * What came of each test in each engine, as a table: `pass`, `fail`, `not possible` where the
 * engine's driver cannot, `–` where the test is about other engines. A test that runs for several
 * adapters is one row, and passes if it passes for all. Below it is why something did not run.
 *
 * @param {EngineReport} report
 */
export function engineTable({ testResults }) {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const engines = [...new Set(tests.map(({ ancestorTitles: [engine = ''] }) => engine))];
  /** @type {Map<string, Map<string, string[]>>} */
  const rows = new Map();
  /** @type {Set<string>} */
  const notes = new Set();
  /** @type {Set<string>} */
  const absent = new Set();
  for (const { status, title, ancestorTitles } of tests) {
    const [engine = '', ...groups] = ancestorTitles;
    const isSkipped = status !== 'passed' && status !== 'failed';
    const [, named, reason] =
      (isSkipped && reasons.map((each) => each.exec(title)).find(Boolean)) || [];
    if (reason) notes.add(`${engine}: ${named ? `${named}: ` : ''}${reason}`);
    if (reason && !named) {
      absent.add(engine);
      continue;
    }
    const name = [...groups.filter((group) => !frameworks.includes(group)), named || title].join(
      ', ',
    );
    const row = rows.get(name) ?? new Map();
    rows.set(name, row.set(engine, [...(row.get(engine) ?? []), reason ? 'impossible' : status]));
  }

  const cells = [
    ['', ...engines],
    ...[...rows].map(([name, row]) => [
      name,
      ...engines.map((engine) => (absent.has(engine) ? 'not run' : toCell(row.get(engine)))),
    ]),
  ];
  return textTable(cells, [...notes]);
}

/** @param {string[] | undefined} statuses */
function toCell(statuses) {
  if (!statuses) return '–';
  if (statuses.includes('failed')) return 'fail';
  if (statuses.includes('impossible')) return 'not possible';
  return statuses.every((status) => status === 'passed') ? 'pass' : 'not run';
}
