import { relative } from 'node:path';
import { textTable } from '../text-table.mjs';
import { interopFolder } from './services.mjs';

/**
 * The part of Vitest's JSON report that is read here.
 *
 * @typedef {object} InteropReport
 * @property {{ name: string, assertionResults: InteropResult[] }[]} testResults
 *
 * @typedef {object} InteropResult
 * @property {string} status
 * @property {string} title
 * @property {string[]} ancestorTitles
 * @property {{ version?: string }} [meta]
 */

/**
 * What was seen of a service, or of a library over the drop-in class.
 *
 * @typedef {object} Outcome
 * @property {string} version of the server or the library; several where several were run
 * @property {Record<string, string>} rows by name: `pass` or `fail`, or how many of how many passed
 * @property {string[]} notRun why something was not run
 *
 * @typedef {{ versions: Set<string>, results: Map<string, boolean[]>, notRun: string[] }} Seen
 */

/** The rows that a title alone tells, and those of which there are several tests. */
const titles = {
  service: {
    ready: 'ready',
    'bad token': 'a bad token',
    'expired token': 'an expired token is refreshed',
    'bad payload': 'a bad payload',
    renewal: 'renewal',
    'with the ack': 'nothing that comes with the ack is lost',
    restart: 'killed and started again',
  },
  dropIn: {
    '10 drops': "10 drops look as they do over the platform's own WebSocket",
    'refused tries': /^\d+ tries that are refused look as they do there/,
  },
};
const misbehaving = 'wrong servers';
const special = 'special';

/** The rows in the order that tables have them in. */
const columns = {
  service: [...Object.keys(titles.service), misbehaving, special],
  dropIn: [...Object.keys(titles.dropIn), special],
};

/**
 * What was seen, by the id of the service or the library: where its tests are in `e2e/interop`.
 *
 * @param {(InteropReport | undefined)[]} reports
 * @returns {Map<string, Outcome>}
 */
export function outcomesOf(reports) {
  /** @type {Map<string, Seen>} */
  const seen = new Map();
  for (const { name, assertionResults } of reports.flatMap((report) => report?.testResults ?? [])) {
    const file = relative(interopFolder, name).replace(/\.(near|far)\.ts$/, '');
    for (const { status, title, ancestorTitles, meta } of assertionResults) {
      // One file for all recipes.
      const [, recipe] = /^(.+) ends in stage init where/.exec(ancestorTitles[0] ?? '') ?? [];
      const id = recipe ?? file;
      /** @type {Seen} */
      const one = seen.get(id) ?? { versions: new Set(), results: new Map(), notRun: [] };
      seen.set(id, one);
      if (meta?.version) one.versions.add(meta.version);
      const [, reason] = /\bnot run, (.*)$/.exec(title) ?? [];
      if (reason) {
        one.notRun.push(reason);
        continue;
      }
      const row = recipe ? misbehaving : rowOf(id, title);
      // A test that was skipped because its server did not start has not passed.
      one.results.set(row, [...(one.results.get(row) ?? []), status === 'passed']);
    }
  }
  return new Map(
    [...seen].map(([id, { versions, results, notRun }]) => [
      id,
      {
        version: [...versions].join(', '),
        rows: Object.fromEntries(
          columnsOf(id)
            .filter((row) => results.has(row))
            .map((row) => [row, said(row, results.get(row) ?? [])]),
        ),
        notRun,
      },
    ]),
  );
}

/**
 * The columns that a table of these may have, in their order.
 *
 * @param {string} id of any of them
 */
export function columnsOf(id) {
  return isDropIn(id) ? columns.dropIn : columns.service;
}

/** @param {string} id */
function isDropIn(id) {
  return id.startsWith('drop-in/');
}

/**
 * @param {string} id
 * @param {string} title
 */
function rowOf(id, title) {
  /** @type {[string, string | RegExp][]} */
  const known = Object.entries(isDropIn(id) ? titles.dropIn : titles.service);
  const found = known.find(([, one]) =>
    typeof one === 'string' ? one === title : one.test(title),
  );
  return found?.[0] ?? special;
}

/**
 * @param {string} row
 * @param {boolean[]} passed
 */
function said(row, passed) {
  const count = passed.filter(Boolean).length;
  if (row === special || row === misbehaving) return `${count} of ${passed.length}`;
  return count === passed.length ? 'pass' : 'fail';
}

/**
 * A table of these, as text: `–` where a row is not for that one. Below it is why something did not
 * run.
 *
 * @param {{ id: string, name: string }[]} entries all services, or all libraries
 * @param {ReadonlyMap<string, Outcome>} outcomes
 */
export function interopTable(entries, outcomes) {
  const rows = columnsOf(entries[0]?.id ?? '').filter((row) =>
    entries.some(({ id }) => outcomes.get(id)?.rows[row]),
  );
  const notes = entries.flatMap(({ id, name }) =>
    (outcomes.get(id)?.notRun ?? []).map((why) => `${name}: not run: ${why}`),
  );
  const cells = [
    ['', 'version', ...rows],
    ...entries.map(({ id, name }) => {
      const { version, rows: seen = {}, notRun = [] } = outcomes.get(id) ?? {};
      const none = version ? '–' : '';
      const why = notRun.length ? 'not run' : 'did not start';
      return [name, version || why, ...rows.map((row) => seen[row] ?? none)];
    }),
  ];
  return textTable(cells, notes);
}
