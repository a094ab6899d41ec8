import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../workspaces.mjs';

/**
 * A server that a recipe speaks to: one that is run here, or one that is known from its documentation.
 *
 * @typedef {object} Service
 * @property {string} id of its recipe, and of its tests
 * @property {string} name
 * @property {string} [npm] its package, whose version the lock file says
 * @property {string} [from] where it comes from otherwise
 * @property {Record<string, string>} [sources] its documentation: what is where
 * @property {string} handshake
 * @property {string} failure how it looks to a client
 * @property {string} renewal
 * @property {string} app what the app has to bring and to do
 */

/**
 * A library that takes a WebSocket class.
 *
 * @typedef {object} DropIn
 * @property {string} id of its tests
 * @property {string} name of its package
 * @property {string} server
 * @property {string} handOver the line by which it gets the class
 */

/**
 * What was seen of one, and when; or why nothing was.
 *
 * @typedef {object} Result
 * @property {string} [version]
 * @property {string} [date]
 * @property {Record<string, string>} [rows]
 * @property {string} [notRun]
 */

export const interopFolder = join(root, 'e2e', 'interop');

const resultsFile = join(interopFolder, 'results.json');

const read = (/** @type {string} */ file) => JSON.parse(readFileSync(file, 'utf8'));

/** @returns {{ services: Service[], documented: Service[], dropIns: DropIn[] }} */
export function readServices() {
  return read(join(interopFolder, 'services.json'));
}

/** @returns {Record<string, Result>} by id */
export function readResults() {
  return read(resultsFile);
}

/**
 * Keeps what was seen of these today. Where one was not run, what was seen of it before stays.
 *
 * @param {string[]} ids
 * @param {ReadonlyMap<string, import('./table.mjs').Outcome>} outcomes
 */
export function writeResults(ids, outcomes) {
  const { services, documented, dropIns } = readServices();
  const before = existsSync(resultsFile) ? readResults() : {};
  const date = new Date().toISOString().slice(0, 10);
  const results = [...services, ...documented, ...dropIns].flatMap(({ id }) => {
    const { version, rows, notRun = [] } = (ids.includes(id) && outcomes.get(id)) || {};
    if (version && rows) {
      return [[id, { version, date, rows, ...(notRun.length && { notRun: notRun.join('; ') }) }]];
    }
    if (before[id]?.rows || !notRun.length) return id in before ? [[id, before[id]]] : [];
    return [[id, { notRun: notRun.join('; ') }]];
  });
  writeFileSync(resultsFile, `${JSON.stringify(Object.fromEntries(results), null, 2)}\n`);
}
