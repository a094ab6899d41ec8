import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import * as vite from 'vite';

/**
 * Bundles all entries of a consumer for browsers, as each bundler does when it is told nothing more, and
 * looks at what comes out, without what is not ours.
 *
 * @param {import('./consume.mjs').Installed} consumer
 * @returns {Promise<{ cells: string[], wrong: string[], files: string[] }>} and the bundles
 * with all that they need, to be loaded in a browser
 */
export async function bundle({ name, folder, entries, frameworks }) {
  const entry = join(folder, 'entries.js');
  const lines = entries.map((module, at) => `import * as m${at} from '${module}';`);
  const names = entries.map((_, at) => `m${at}`).join(', ');
  writeFileSync(
    entry,
    `${lines.join('\n')}\nglobalThis.loaded = [${names}].map((module) => Object.keys(module).length);\n`,
  );
  const external = frameworks.flatMap((module) => [module, `${module}/*`]);
  const bundlers = { esbuild: byEsbuild, Vite: byVite };
  const cells = [];
  const wrong = [];
  const files = [];
  for (const [bundler, build] of Object.entries(bundlers)) {
    const { code: own, warnings } = await build(folder, entry, external);
    const whole = await build(folder, entry, []);
    // What the bundler says of the packages of others is theirs to mend.
    wrong.push(...warnings.map((warning) => `${name} by ${bundler}: ${warning}`));
    const file = join(folder, `${bundler}.js`);
    writeFileSync(file, whole.code);
    files.push(file);
    cells.push(`${(own.length / 1000).toFixed(0)} kB`);
  }
  return { cells, wrong, files };
}

/** @param {string} folder @param {string} entry @param {string[]} external */
async function byEsbuild(folder, entry, external) {
  const { outputFiles, warnings } = await esbuild.build({
    absWorkingDir: folder,
    entryPoints: [entry],
    external,
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  return { code: outputFiles[0]?.text ?? '', warnings: warnings.map(({ text }) => text) };
}

/** @param {string} folder @param {string} entry @param {string[]} external */
async function byVite(folder, entry, external) {
  /** @type {string[]} */
  const warnings = [];
  const logger = vite.createLogger('warn');
  logger.warn = (text) => warnings.push(text);
  logger.warnOnce = logger.warn;
  const outputs = await vite.build({
    root: folder,
    configFile: false,
    logLevel: 'warn',
    customLogger: logger,
    build: {
      write: false,
      minify: false,
      modulePreload: false,
      rolldownOptions: {
        input: entry,
        external: external.map((module) => new RegExp(`^${module.replace('/*', '/.*')}$`)),
        output: { codeSplitting: false },
      },
    },
  });
  const [output] = [outputs].flat();
  const chunk = output && 'output' in output ? output.output[0] : undefined;
  return { code: chunk?.code ?? '', warnings };
}
