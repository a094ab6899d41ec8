import { expect, test } from 'vitest';
import { svelteModule, vueModule } from '../docs/samples/components.mjs';
import { asModule, samplesIn } from './samples.mjs';

/** @param {string[]} lines */
const page = (...lines) => samplesIn('page.md', lines.join('\n'));

test('blocks of languages that are compiled are found, with their lines', () => {
  const found = page(
    '# A',
    '',
    '```ts',
    'const a = 1;',
    '```',
    '```sh',
    'npm start',
    '```',
    '- ```js',
    '  b();',
    '  ```',
  );
  expect(found).toMatchObject([{ file: 'page.md', line: 4, language: 'ts', code: 'const a = 1;' }]);
});

test('a block in a list has no indent', () => {
  expect(page('1. first', '   ```tsx', '   <a />', '     <b />', '   ```')).toMatchObject([
    { line: 3, language: 'tsx', code: '<a />\n  <b />' },
  ]);
});

test('a block is a file by its title, or by the line before', () => {
  const names = page(
    ...['```ts [src/a.ts]', '```', '', 'In `src/b.vue`, so to speak', '```vue', '```'],
    ...['`src/c.svelte`, the page:', '', '```svelte', '```'],
  ).map(({ name }) => name);
  expect(names).toEqual(['src/a.ts', undefined, 'src/c.svelte']);
});

test('a block may be exempt, and says why', () => {
  const found = page(
    '```ts no-check: of another project',
    '```',
    '```ts no-check',
    '```',
    '```ts',
    '```',
  );
  expect(found.map(({ exempt }) => exempt)).toEqual(['of another project', '', undefined]);
});

test('module scripts of a page are code, with packages by their names', () => {
  const found = page(
    ...['', '```html', '<p></p>', '<script>', '  old();', '</script>', '<script type="module">'],
    ...["  import { a } from './node_modules/@a/b/dist/index.js';", '</script>'],
    ...['<script type="module">a();</script>', '```', '```html no-check: of a browser'],
    ...['<script type="module">', 'c();', '</script>', '```'],
  );
  expect(found).toMatchObject([
    { line: 7, language: 'js', code: "\n  import { a } from '@a/b';\n", exempt: undefined },
    { line: 10, language: 'js', code: 'a();', exempt: undefined },
    { line: 13, language: 'js', code: '\nc();\n', exempt: 'of a browser' },
  ]);
});

test('a block without imports goes on where those before it left off', () => {
  const [unseen, first, second, third] = page(
    ...['```ts', 'export const unseen = 1;', '```'],
    ...['```ts', "import { a } from 'a';", 'const b = a;', '```'],
    ...['```tsx', 'const b = <i />;', '```', '```ts', 'b();', '```'],
  );
  if (!unseen || !first || !second || !third) throw new Error('not found');
  expect(asModule(third, [unseen, first, second])).toEqual({
    code: "import { a } from 'a';\nconst b = a;\n{\nconst b = <i />;\n{\nb();\n}}\n",
    offset: 5,
    language: 'tsx',
  });
  expect(asModule(first, [unseen]).offset).toBe(0);
});

test('the script of a Vue component stays where it is, and its template is code behind it', () => {
  const source = [
    ...['<script setup lang="ts">', "import { ref } from 'vue';", 'const n = ref(1);', '</script>'],
    ...['', '<template>', '  <p>{{ n.toFixed() }}</p>', '</template>'],
  ].join('\n');
  const { code, isTyped, lineOf } = vueModule(source, 'A.vue');
  expect(isTyped).toBe(true);
  expect(code.split('\n').slice(1, 3)).toEqual(["import { ref } from 'vue';", 'const n = ref(1);']);
  expect(code).toContain('n.value.toFixed()');
  expect([lineOf(3), lineOf(20)]).toEqual([3, 6]);
});

test('a name that only the template of a Vue component knows is told', () => {
  const source = '<script setup>\nconst a = 1;\n</script>\n<template>{{ a + b }}</template>';
  expect(() => vueModule(source, 'A.vue')).toThrow(
    'the template names b, which the script does not',
  );
});

test('a Svelte component is a module, whose lines are known', () => {
  const source = '<script lang="ts">\n  let n = $state(1);\n</script>\n\n<p>{n.toFixed()}</p>';
  const { code, isTyped, lineOf } = svelteModule(source, 'A.svelte');
  const line = code.split('\n').findIndex((text) => text.includes('n.toFixed()')) + 1;
  expect([isTyped, lineOf(line)]).toEqual([true, 5]);
});

test('what the compiler of Svelte refuses is told', () => {
  expect(() => svelteModule('<p>{#if}</p>', 'A.svelte')).toThrow();
  expect(() => svelteModule('<script>f($state());</script>', 'A.svelte')).toThrow('$state');
});
