import { expect, test } from 'vitest';
import { anchorsIn, linksIn, partsOf, slug } from './links.mjs';

test('a heading has the anchor that GitHub gives it', () => {
  expect(slug('7. The two-stage.v1 wire')).toBe('7-the-two-stagev1-wire');
  expect(slug('Is it still there?')).toBe('is-it-still-there');
  expect(slug('Über_uns – jetzt')).toBe('über_uns--jetzt');
});

test('links and pictures are found with their lines, those in code are not', () => {
  const text = [
    'A [link](a.md#b) and ![a picture](p.svg "with a title")',
    '',
    '`[not](one.md)`, ``[nor](`two.md)``',
    '```md',
    '[nor](three.md)',
    '```',
    '[by reference]: four.md',
    '<a href="five.md">',
  ].join('\n');
  expect(linksIn(text)).toEqual([
    { href: 'a.md#b', line: 1 },
    { href: 'p.svg', line: 1 },
    { href: 'four.md', line: 7 },
    { href: 'five.md', line: 8 },
  ]);
});

test('headings are anchors as they are shown, and the second of a name is numbered', () => {
  const text =
    '# The `url`\n\n## [Linked](x.md) *twice*\n\n## The url\n\n```sh\n# no heading\n```\n';
  expect([...anchorsIn(text)]).toEqual(['the-url', 'linked-twice', 'the-url-1']);
});

test('a page of HTML has links, files and anchors', () => {
  const html = '<a class="x" href="/a?b&amp;c#d">A</a><img src="/p.svg"><h2 id="one" tabindex="0">';
  const { links, files, anchors } = partsOf(html);
  expect({ links, files, anchors: [...anchors] }).toEqual({
    links: ['/a?b&c#d'],
    files: ['/p.svg'],
    anchors: ['one'],
  });
});
