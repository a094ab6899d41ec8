import { createRequire, SourceMap } from 'node:module';
import { compile } from 'svelte/compiler';
import { compileScript, parse } from 'vue/compiler-sfc';

/** Not imported: the plugin of Svelte would have Vite transform it in unit tests, which complains. */
const { svelte2tsx } = /** @type {typeof import('svelte2tsx')} */ (
  createRequire(import.meta.url)('svelte2tsx')
);

/**
 * A module that a type checker reads in place of a component.
 *
 * @typedef {object} Module
 * @property {string} code
 * @property {boolean} isTyped whether it is TypeScript
 * @property {(line: number) => number | undefined} lineOf the line of the component, from 1
 */

/**
 * The script as it is, at the lines where it is, and behind it what the template is compiled to.
 *
 * @param {string} source
 * @param {string} filename
 * @returns {Module}
 * @throws {SyntaxError} for what the compiler refuses
 */
export function vueModule(source, filename) {
  const { descriptor, errors } = parse(source, { filename });
  if (errors[0]) throw new SyntaxError(errors[0].message);
  const parts = [descriptor.script, descriptor.scriptSetup].flatMap((part) => part ?? []);
  const isTyped = parts.some(({ lang }) => lang === 'ts');
  const lines = source.split('\n').map((text, index) => {
    const inScript = parts.some(
      ({ loc }) => index + 1 >= loc.start.line && index + 1 <= loc.end.line,
    );
    return inScript && !/<\/?script\b/.test(text) ? text : '';
  });
  const code = [lines.join('\n')];
  if (descriptor.scriptSetup && descriptor.template) {
    const { content } = compileScript(descriptor, {
      ...{ id: 'sample', inlineTemplate: true, hoistStatic: false },
      templateOptions: { compilerOptions: { hoistStatic: false } },
    });
    const names = [...content.matchAll(/_ctx\.([A-Za-z_]\w*)/g)].map(([, name]) => name);
    if (names[0])
      throw new SyntaxError(`the template names ${names[0]}, which the script does not`);
    const [helpers = ''] =
      content.match(/^import \{.* as _.*\} from ["']vue["']$/gm)?.slice(-1) ?? [];
    const render = content.slice(
      content.lastIndexOf('\nreturn ('),
      content.lastIndexOf('\n}\n\n}'),
    );
    const [, props] = lines.join('\n').match(/const (\w+) = (?:withDefaults\()?defineProps/) ?? [];
    code.push(
      helpers,
      `const __props = ${props ?? (isTyped ? '{} as any' : '/** @type {any} */ ({})')};`,
    );
    code.push(`export const render = ${render.trim().replace('return ', '')};`);
  }
  if (!descriptor.script || descriptor.scriptSetup) code.push('export default {};');
  const { length } = lines;
  const { start } = descriptor.template?.loc ?? { start: { line: 1 } };
  return { code: code.join('\n'), isTyped, lineOf: (line) => (line <= length ? line : start.line) };
}

/**
 * What `svelte2tsx` makes of it for the language server, after the compiler has had a look.
 *
 * @param {string} source
 * @param {string} filename
 * @returns {Module}
 * @throws {Error} for what the compiler refuses
 */
export function svelteModule(source, filename) {
  compile(source, { filename, generate: false });
  const isTyped = /<script[^>]*\blang="ts"/.test(source);
  const { code, map } = svelte2tsx(source, {
    filename,
    isTsFile: isTyped,
    mode: 'ts',
    version: '5',
  });
  const lines = new SourceMap({ ...map, sourceRoot: '', sourcesContent: [source] });
  return {
    // A name for the type of the component: none of JavaScript has one.
    code: isTyped
      ? code
      : code.replace(/\/\*Ωignore_startΩ\*\/type [\s\S]*?\/\*Ωignore_endΩ\*\//, ''),
    isTyped,
    lineOf: (line) => {
      const entry = lines.findEntry(line - 1, 999);
      return 'originalLine' in entry ? entry.originalLine + 1 : undefined;
    },
  };
}
