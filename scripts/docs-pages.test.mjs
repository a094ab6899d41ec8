import { expect, test } from 'vitest';
import { tableOf } from '../docs/.vitepress/diagram.mjs';
import { errorPages } from '../docs/.vitepress/errors.mjs';
import { tidied } from '../docs/.vitepress/reference-pages.mjs';
import { toSite } from '../docs/.vitepress/site-links.mjs';

test('a link between files leads to the page that the file is on the site', () => {
  expect(toSite('../PROTOCOL.md#8-close-codes', 'security.md', undefined)).toBe(
    '/protocol.md#8-close-codes',
  );
  expect(toSite('../demo-server', 'security.md', undefined)).toBe('/server/reference.md');
  expect(toSite('demo-server/README.md#parts', 'protocol.md', undefined)).toBe(
    '/server/reference.md#parts',
  );
  expect(toSite('../docs/security.md', 'server/reference.md', undefined)).toBe('/security.md');
  expect(toSite('vue.md', 'guide/react.md', undefined)).toBe('/guide/vue.md');
});

test('a link to a section of errors.md leads to the page of that code', () => {
  expect(toSite('../../packages/core/errors.md#forbidden', 'guide/vue.md', undefined)).toBe(
    '/errors/forbidden',
  );
  expect(toSite('#forbidden', 'errors/index.md', undefined)).toBe('/errors/forbidden');
});

test('a link to what is not on the site leads to the repository, if that has an address', () => {
  expect(toSite('../bench', 'comparison.md', undefined)).toBeUndefined();
  expect(toSite('../bench', 'comparison.md', 'https://git.example/x')).toBe(
    'https://git.example/x/blob/main/bench',
  );
});

test('addresses, and anchors of the same page, stay as they are', () => {
  for (const href of ['https://e.example/a#b', 'mailto:ada@example.com', '/guide/vue', '#parts'])
    expect(toSite(href, 'server/reference.md', undefined)).toBe(href);
});

test('every error has a page with its stage, and what it says of others links to those', () => {
  const pages = new Map(errorPages().map(({ name, content }) => [name, content]));
  expect(pages.get('token-suspect')).toMatch(/^# token-suspect\n[^#]*\| connect \| with backoff/);
  expect(pages.get('token-suspect')).toContain('[`connect-failed`](#connect-failed)');
  expect(pages.get('index')).toMatch(/^# Errors\n/);
});

test('a state diagram is a table of its arrows', () => {
  const diagram = [
    ...['stateDiagram-v2', '  [*] --> a_b', '  a_b --> both: go()'],
    ...['  state both {', '    c --> d: on', '  }', '  both --> a_b'],
  ].join('\n');
  expect(tableOf(diagram)).toBe(
    [
      ...['`both` is one of `c`, `d`.', '', '| from | to | by |', '| --- | --- | --- |'],
      ...['| `a-b` | `both` | go() |', '| `c` | `d` | on |', '| `both` | `a-b` |  |'],
    ].join('\n'),
  );
  expect(tableOf('sequenceDiagram')).toBeUndefined();
});

test('the reference keeps what is described, drops what repeats a declaration, and links types', () => {
  const declared = '### a\n\n```ts\nreadonly a: (b: Bee) => C;\n```\n\nSays what.\n\n';
  const repeated =
    '#### Parameters\n\n| Parameter | Type |\n\n##### b\n\n#### Returns\n\n`C`\n\n***\n\n';
  const described = '#### Parameters\n\n| Parameter | Description |\n\n#### Throws\n\nAn error.\n';
  const linkOf = (/** @type {string} */ name) => (name === 'Bee' ? '../Bee/index.md' : undefined);
  expect(tidied(declared + repeated + described, linkOf)).toBe(
    `${declared}See [\`Bee\`](../Bee/index.md).\n\n${described}`,
  );
});
