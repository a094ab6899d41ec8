/**
 * What tells the version of a framework that is running, in a page as well as on a server.
 *
 * @type {Record<string, string>}
 */
const sources = {
  react: 'react',
  vue: 'vue',
  // At run time it tells nobody; this file is found as what runs is found.
  svelte: 'svelte/package.json',
};

/**
 * Adds a test to each file of a contract: that what runs there is the version that was asked for.
 *
 * @param {string} framework
 * @param {string} installed
 * @param {string[]} files
 * @returns {import('vite').Plugin}
 */
export function assertVersion(framework, installed, files) {
  return {
    name: 'assert-version',
    transform(code, id) {
      if (!files.some((file) => id.endsWith(file))) return null;
      return `${code}
        import { version } from '${sources[framework]}';
        import { expect as expectVersion, test as testVersion } from 'vitest';
        testVersion('${framework} is ${installed}', () => {
          expectVersion(version).toBe('${installed}');
        });`;
    },
  };
}

/**
 * Has the tests expect what a server renders with a version that marks components otherwise, and take
 * that over in the page.
 *
 * @param {string} html
 * @returns {import('vite').Plugin}
 */
export function replaceServerHtml(html) {
  return {
    name: 'replace-server-html',
    transform: (_, id) =>
      id.endsWith('/testing/server-html.ts')
        ? `export const serverHtml = ${JSON.stringify(html)};`
        : null,
  };
}
