import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { brokenLinksOfFiles, brokenLinksOfSite } from './docs-links.mjs';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'links-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** @param {Record<string, string>} files */
function write(files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

test('links between files lead to files and headings that are there', () => {
  write({
    'README.md':
      '# One\n\n[a](docs/a.md#two-words) [b](docs) [c](#one) [d](/site) [e](https://e.example)',
    'docs/a.md': '# Two words\n\n[back](../README.md)',
  });
  expect(brokenLinksOfFiles(folder, ['README.md', 'docs/a.md'])).toEqual([]);
});

test('a link to a file or a heading that is not there is told with file and line', () => {
  write({ 'README.md': '# One\n\n[a](a.md)\n[b](#two)\n[c](code.ts#three)', 'code.ts': '' });
  expect(brokenLinksOfFiles(folder, ['README.md'])).toEqual([
    'README.md:3: a.md: there is no such file',
    'README.md:4: #two: there is no such heading',
    'README.md:5: code.ts#three: only Markdown files have anchors',
  ]);
});

test('links of the site lead to pages and headings that are there, with or without .html', () => {
  write({
    'index.html':
      '<a href="/a/b#x"></a><a href="/a/"></a><a href="/a/b.html"></a><a href="/p.svg">',
    'a/index.html': '<a href="./b"></a><a href="mailto:ada@example.com"></a>',
    'a/b.html': '<h1 id="x"><a href="#x"></a><img src="/p.svg"><script src="data:,"></script>',
    'p.svg': '',
  });
  expect(brokenLinksOfSite(folder)).toEqual([]);
});

test('a page or a heading that is not there, and what is loaded from elsewhere, is told', () => {
  write({
    'index.html':
      '<a href="/a"></a><a href="/b#y"></a><img src="/p.svg"><link href="https://fonts.example/f.css">',
    'b.html': '<h1 id="x">',
  });
  expect(brokenLinksOfSite(folder)).toEqual([
    '/: /a: there is no such page',
    '/: /b#y: there is no such heading',
    '/: /p.svg: there is no such file',
    '/: https://fonts.example/f.css: is loaded from elsewhere',
  ]);
});
