import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import vue from '@vitejs/plugin-vue';
import { playwright } from '@vitest/browser-playwright';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { startVitest } from 'vitest/node';
import { chromiumArgs, findChromium } from '../chromium.mjs';
import { root } from '../workspaces.mjs';
import { compileSvelte } from './compile-svelte.mjs';
import { assertVersion, replaceServerHtml } from './plugins.mjs';

/**
 * What came of a contract.
 *
 * @typedef {object} Outcome
 * @property {number} passed
 * @property {string[]} failures what went wrong, one for each test that failed
 */

/**
 * What the tests import of each framework. Vite is told beforehand: what it finds by itself makes it load
 * the page anew, in the middle of a test. A version need not have all of them.
 *
 * @type {Record<string, string[]>}
 */
const imports = {
  react: ['react', 'react/jsx-dev-runtime', 'react-dom', 'react-dom/client'],
  vue: ['vue'],
  svelte: [
    'svelte',
    'svelte/store',
    'svelte/reactivity',
    'svelte/internal',
    'svelte/internal/client',
    'svelte/internal/disclose-version',
    'svelte/internal/flags/legacy',
    'svelte/internal/flags/tracing',
  ],
};

/**
 * Runs the contract of an adapter, in Chromium and on a server, with the framework that `folder` has.
 * Everything else is what is installed here: sources, tests, Vite and Vitest.
 *
 * @param {import('./versions.mjs').Version} version
 * @param {string} folder
 * @param {string} installed its version, to the digit
 * @returns {Promise<{ page: Outcome, server: Outcome }>}
 */
export async function runContracts({ framework, packages, tests, serverHtml }, folder, installed) {
  const executablePath = await findChromium();
  const project = () => ({
    root: folder,
    // Vite notices by a lock file that packages are others, and there is none.
    cacheDir: join(folder, '.vite', installed),
    plugins: [
      assertVersion(framework, installed, Object.values(tests)),
      serverHtml === undefined ? undefined : replaceServerHtml(serverHtml),
      framework === 'svelte' ? compileSvelte(folder) : vue(),
    ],
    resolve: { dedupe: Object.keys(packages), conditions: ['source', ...defaultClientConditions] },
    ssr: { resolve: { conditions: ['source', ...defaultServerConditions] } },
    server: { fs: { allow: [root] } },
    optimizeDeps: { noDiscovery: true, include: offered(imports[framework] ?? [], folder) },
  });
  const only = (/** @type {'page' | 'server'} */ name) => ({
    name,
    dir: root,
    include: [tests[name]],
    exclude: [],
    testTimeout: 20_000,
  });
  const browser = {
    enabled: true,
    headless: true,
    screenshotFailures: false,
    instances: [{ browser: /** @type {const} */ ('chromium') }],
    provider: playwright({
      launchOptions: { args: chromiumArgs, ...(executablePath && { executablePath }) },
    }),
  };
  const vitest = await startVitest([], {
    root: folder,
    config: false,
    watch: false,
    reporters: [{}],
    projects: [
      { ...project(), test: { ...only('page'), browser } },
      { ...project(), test: only('server') },
    ],
  });
  const modules = vitest.state.getTestModules();
  const errors = vitest.state.getUnhandledErrors();
  await vitest.close();
  const outcome = (/** @type {'page' | 'server'} */ name) =>
    toOutcome(modules.filter(({ moduleId }) => moduleId.endsWith(tests[name])));
  const page = outcome('page');
  page.failures.push(...errors.map((error) => shorten(String(/** @type {Error} */ (error).stack))));
  return { page, server: outcome('server') };
}

/**
 * @param {string[]} modules
 * @param {string} folder
 */
function offered(modules, folder) {
  return modules.filter((module) => {
    const [name = '', ...path] = module.split('/');
    const manifest = join(folder, 'node_modules', name, 'package.json');
    const { exports } = JSON.parse(readFileSync(manifest, 'utf8'));
    return exports === undefined || ['.', ...path].join('/') in exports;
  });
}

/**
 * @param {import('vitest/node').TestModule[]} modules
 * @returns {Outcome}
 */
function toOutcome(modules) {
  const tests = modules.flatMap(({ children }) => [...children.allTests()]);
  const failures = modules.flatMap((module) => module.errors().map(({ message }) => message));
  for (const test of tests) {
    const { state, errors = [] } = test.result();
    const why = errors.map(({ message }) => message);
    if (state !== 'passed') failures.push([`${test.fullName}: ${state}`, ...why].join('\n'));
  }
  if (tests.length + failures.length === 0) failures.push('There was no test');
  return { passed: tests.filter((test) => test.ok()).length, failures: failures.map(shorten) };
}

/** The first lines have the reason. @param {string} text */
function shorten(text) {
  return stripVTControlCharacters(text).split('\n', 6).join('\n');
}
