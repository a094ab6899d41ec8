/**
 * What came of the checks of a stage.
 *
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 * @property {string[]} skipped by name: nothing is skipped silently
 */

/**
 * @param {import('./check.mjs').Check[]} checks
 * @returns {Tally}
 */
export function tallyOfChecks(checks) {
  const passed = checks.filter(({ ok }) => ok).length;
  // A stage that found nothing to check is broken.
  const failed = checks.length === 0 ? 1 : checks.length - passed;
  return { passed, failed, skipped: [] };
}

/**
 * The part of Vitest's JSON report that is read here.
 *
 * @typedef {object} VitestReport
 * @property {{ status: string, assertionResults: { status: string, fullName: string }[] }[]} testResults
 */

/**
 * Counts the tests that ran. A run that fails without a test that does (a file that cannot be
 * loaded, an error that nobody caught, a run that died), and one without any test, have failed too.
 *
 * @param {VitestReport | undefined} report none if the run died before it wrote one
 * @param {number | null} status the exit status of the run
 * @returns {Tally}
 */
export function tallyOfVitest(report, status) {
  const files = report?.testResults ?? [];
  const tests = files.flatMap((file) => file.assertionResults);
  const passed = tests.filter((test) => test.status === 'passed').length;
  const failed = tests.filter((test) => test.status === 'failed').length;
  const skipped = tests.filter((test) => test.status !== 'passed' && test.status !== 'failed');
  const brokenFiles = files.filter(
    (file) =>
      file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const unexplained = failed + brokenFiles === 0 && (status !== 0 || tests.length === 0);
  return {
    passed,
    failed: failed + brokenFiles + Number(unexplained),
    skipped: skipped.map((test) => test.fullName),
  };
}

/**
 * @param {Tally[]} tallies
 * @returns {Tally}
 */
export function sum(tallies) {
  return {
    passed: tallies.reduce((total, { passed }) => total + passed, 0),
    failed: tallies.reduce((total, { failed }) => total + failed, 0),
    skipped: tallies.flatMap(({ skipped }) => skipped),
  };
}

/**
 * The line that `npm test` ends with.
 *
 * @param {Tally} tally
 */
export function closingLine({ passed, failed, skipped }) {
  const line = `${passed} passed, ${failed} failed`;
  return skipped.length === 0 ? line : `${line}, ${skipped.length} skipped`;
}
