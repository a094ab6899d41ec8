import { fileURLToPath } from 'node:url';
// biome-ignore lint/correctness/noUndeclaredDependencies: the root has it, as it has every tool
import { build } from 'esbuild';

/**
 * One minified ES module out of `code`, the way an app's production build makes it. The packages of
 * this repository are bundled from their source, so that no build has to come first.
 */
export async function bundle(code, options = {}) {
  const result = await build({
    stdin: { contents: code, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    conditions: ['source'],
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'error',
    ...options,
  });
  return result.outputFiles[0].text;
}
