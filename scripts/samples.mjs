/**
 * A block of code in a document.
 *
 * @typedef {object} Sample
 * @property {string} file
 * @property {number} line the first one of the code, from 1
 * @property {string} language
 * @property {string} code
 * @property {string | undefined} name of the file that the document says it is
 * @property {string | undefined} exempt why it is not to be compiled; empty if it is not said
 */

/** What is compiled, and what it is called elsewhere. */
const languages = {
  ts: 'ts',
  typescript: 'ts',
  tsx: 'tsx',
  js: 'js',
  javascript: 'js',
  mjs: 'js',
  jsx: 'jsx',
  vue: 'vue',
  svelte: 'svelte',
};

/**
 * The blocks of a Markdown text that can be compiled, and the module scripts of its HTML. A file
 * name stands in brackets behind the language, or alone in the line before, with a colon.
 * `no-check` and a reason stand behind the language where a block cannot be compiled.
 *
 * @param {string} file
 * @param {string} markdown
 * @returns {Sample[]}
 */
export function samplesIn(file, markdown) {
  const lines = markdown.split('\n');
  const samples = [];
  for (let at = 0; at < lines.length; at += 1) {
    const [, indent = '', fence, word = '', info = ''] =
      lines[at]?.match(/^( *)(`{3,}|~{3,})\s*([\w-]*)(.*)$/) ?? [];
    if (!fence) continue;
    const first = at + 1;
    do at += 1;
    while (at < lines.length && !lines[at]?.trim().startsWith(fence));
    const code = lines.slice(first, at).map((line) => line.slice(indent.length));
    const exempt = info.match(/\bno-check\b:?(.*)/)?.[1]?.trim();
    if (word === 'html') {
      for (const script of scriptsIn(code.join('\n')))
        samples.push({ file, ...script, line: first + script.line, name: undefined, exempt });
    }
    const language = languages[/** @type {keyof typeof languages} */ (word)];
    if (!language) continue;
    samples.push({
      file,
      line: first + 1,
      language,
      code: code.join('\n'),
      name: nameIn(info) ?? nameIn(lines.slice(0, first - 1).findLast((line) => line.trim()) ?? ''),
      exempt,
    });
  }
  return samples;
}

/**
 * The module scripts of a page, which know packages by their files: those are not built when samples
 * are checked, so that the names of the packages stand for them.
 *
 * @param {string} html
 */
function scriptsIn(html) {
  const files = /(['"])\.\/node_modules\/(@[\w-]+\/\w+)\/dist\/index\.js\1/g;
  return [...html.matchAll(/<script type="module">([\s\S]*?)<\/script>/g)].map(
    ({ 1: code = '', index }) => ({
      code: code.replace(files, '$1$2$1'),
      language: 'js',
      line: html.slice(0, index).split('\n').length,
    }),
  );
}

/** @param {string} text */
function nameIn(text) {
  return text.match(/\[([\w./-]+\.\w+)\]/)?.[1] ?? text.trim().match(/^`([\w./-]+\.\w+)`.*:$/)?.[1];
}

const isModule = (/** @type {string} */ code) => /^(import|export)\b/m.test(code);

/**
 * A sample as a module of its own: one that neither imports nor exports goes on where those before
 * it on its page left off.
 *
 * @param {Sample} sample
 * @param {Sample[]} before on the same page
 * @returns {{ code: string, offset: number, language: string }} `offset`: the lines ahead of it
 */
export function asModule({ code, language }, before) {
  const scripts = before.filter(
    (one) => /^[tj]sx?$/.test(one.language) && one.exempt === undefined,
  );
  const begin = scripts.findLastIndex((one) => isModule(one.code));
  if (isModule(code) || begin < 0) return { code: `${code}\nexport {};\n`, offset: 0, language };
  const earlier = scripts.slice(begin);
  // In a scope of its own it may use again the names of those before it.
  const ahead = `${earlier.map((one, n) => (n === 0 ? one.code : `{\n${one.code}`)).join('\n')}\n{\n`;
  const isJsx = [...earlier.map((one) => one.language), language].some((one) => one.endsWith('x'));
  return {
    code: `${ahead}${code}\n${'}'.repeat(earlier.length)}\n`,
    offset: ahead.split('\n').length - 1,
    language: isJsx ? `${language.slice(0, 2)}x` : language,
  };
}
