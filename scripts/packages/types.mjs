import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../check.mjs';

/** How a module is found, and what has to be said with it. */
const resolutions = { bundler: 'preserve', node16: 'node16', nodenext: 'nodenext' };

/** @param {Record<string, string>} compilers */
export function columns(compilers) {
  return Object.keys(compilers).flatMap((version) =>
    Object.keys(resolutions).map((resolution) => `${version} ${resolution}`),
  );
}

/**
 * Whether a consumer compiles, as strictly as it can be asked for. `skipLibCheck` is off, so that the
 * types of the packages are looked at for themselves; what is then wrong with types of others than ours
 * is counted apart.
 *
 * @param {import('./consume.mjs').Installed} consumer
 * @param {Record<string, string>} compilers
 * @returns {Promise<{ cells: string[], wrong: string[] }>}
 */
export async function checkTypes({ folder }, compilers) {
  const cells = [];
  const wrong = [];
  for (const [version, tsc] of Object.entries(compilers)) {
    for (const [moduleResolution, module] of Object.entries(resolutions)) {
      const project = join(folder, `tsconfig.${version}.${moduleResolution}.json`);
      const compilerOptions = {
        moduleResolution,
        module,
        target: 'es2022',
        lib: ['es2022', 'dom', 'dom.iterable'],
        types: [],
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        noEmit: true,
      };
      writeFileSync(project, JSON.stringify({ compilerOptions, files: ['app.ts'] }));
      let output = '';
      const command = [tsc, '--pretty', 'false', '-p', project];
      const status = await run(
        command,
        { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
        (text) => {
          output += text;
        },
      );
      const errors = output.split('\n').filter((line) => /error TS\d+/.test(line));
      const others = errors.filter((line) => /^node_modules\/(?!@two-stage-socket\/)/.test(line));
      const own = errors.filter((line) => !others.includes(line));
      const isWrong = own.length > 0 || (status !== 0 && errors.length === 0);
      cells.push(
        isWrong ? `${own.length} WRONG` : others.length > 0 ? `ok, ${others.length}*` : 'ok',
      );
      if (isWrong)
        wrong.push(`TypeScript ${version}, ${moduleResolution}: ${own.join('\n') || output}`);
    }
  }
  return { cells, wrong };
}
