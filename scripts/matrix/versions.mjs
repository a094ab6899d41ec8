/**
 * A version of a framework that an adapter is for, and what its contract is run with there.
 *
 * @typedef {object} Version
 * @property {string} name as the table has it
 * @property {string} framework the package that tells which version runs
 * @property {Record<string, string>} packages what npm installs
 * @property {{ page: string, server: string }} tests the files of the contract
 * @property {string} [serverHtml] what a server renders of `Chat`, where this is not as with the latest
 */

const react = {
  framework: 'react',
  tests: {
    page: 'packages/react/src/contract.browser.test.tsx',
    server: 'packages/react/src/ssr.test.tsx',
  },
};
const vue = {
  framework: 'vue',
  tests: {
    page: 'packages/vue/src/contract.browser.test.ts',
    server: 'packages/vue/src/ssr.test.ts',
  },
};
const svelte = {
  framework: 'svelte',
  tests: {
    page: 'packages/svelte/src/contract.browser.test.ts',
    server: 'packages/svelte/src/ssr.test.ts',
  },
};
const svelte4 = {
  framework: 'svelte',
  tests: {
    page: 'packages/svelte/src/testing/svelte-4/contract.ts',
    server: 'packages/svelte/src/testing/svelte-4/server.ts',
  },
};

/** @param {string} version */
const reactOf = (version) => ({ react: version, 'react-dom': version });

/**
 * The oldest and the latest that each adapter is for.
 *
 * @type {Version[]}
 */
export const versions = [
  { name: 'React 18.3', ...react, packages: reactOf('~18.3.0') },
  { name: 'React 19.0', ...react, packages: reactOf('~19.0.0') },
  { name: 'React, latest', ...react, packages: reactOf('latest') },
  { name: 'Vue 3.4', ...vue, packages: { vue: '3.4.0' } },
  { name: 'Vue, latest', ...vue, packages: { vue: 'latest' } },
  {
    name: 'Svelte 4.2, stores',
    ...svelte4,
    packages: { svelte: '~4.2.0' },
    serverHtml: '<p>idle</p>',
  },
  {
    name: 'Svelte 5.25',
    ...svelte,
    packages: { svelte: '5.25.0' },
    serverHtml: '<!--[--><!----><p>idle</p><!----><!--]-->',
  },
  { name: 'Svelte, latest', ...svelte, packages: { svelte: 'latest' } },
];
