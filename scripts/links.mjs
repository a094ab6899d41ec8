/**
 * The anchor that GitHub, and the site, give to a heading of this text.
 *
 * @param {string} heading as it is shown, without its markup
 */
export function slug(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-');
}

/**
 * The text without what is code: as long as it was, and with as many lines.
 *
 * @param {string} markdown
 */
function withoutCode(markdown) {
  /** @param {string} code */
  const blank = (code) => code.replace(/[^\n]/g, ' ');
  return markdown
    .replace(/^( *)(`{3,}|~{3,})[^\n]*\n[\s\S]*?^ *\2`*$/gm, blank)
    .replace(/(?<!`)(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, blank);
}

/**
 * The links and pictures of a Markdown text, and the lines that they stand in.
 *
 * @param {string} markdown
 */
export function linksIn(markdown) {
  const text = withoutCode(markdown);
  const found = text.matchAll(
    /\]\(<?([^()\s>]+)>?(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s+(\S+)|\shref="([^"]+)"/gm,
  );
  return [...found].map(({ 1: inline, 2: reference, 3: html, index }) => ({
    href: inline ?? reference ?? html ?? '',
    line: text.slice(0, index).split('\n').length,
  }));
}

/**
 * The anchors that a Markdown text has on GitHub.
 *
 * @param {string} markdown
 */
export function anchorsIn(markdown) {
  const fences = /^( *)(`{3,}|~{3,})[^\n]*\n[\s\S]*?^ *\2`*$/gm;
  const text = markdown.replace(fences, '').replace(/<!--[\s\S]*?-->/g, '');
  /** @type {Map<string, number>} */
  const seen = new Map();
  const headings = [...text.matchAll(/^#{1,6} +(.+?) *#*$/gm)].map(([, heading = '']) => {
    const shown = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]|\\(?=\W)/g, '');
    const name = slug(shown);
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return count === 0 ? name : `${name}-${count}`;
  });
  const explicit = [...text.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)].map(([, id = '']) => id);
  return new Set([...headings, ...explicit]);
}

/**
 * Where the links of a page of HTML lead to, and the anchors that it has.
 *
 * @param {string} html
 */
export function partsOf(html) {
  const links = [...html.matchAll(/<a\b[^>]*?\shref="([^"]*)"/g)].map(([, href = '']) =>
    unescaped(href),
  );
  const files = [...html.matchAll(/<(?:img|script|link|source)\b[^>]*?\s(?:src|href)="([^"]*)"/g)];
  return {
    links,
    files: files.map(([, href = '']) => unescaped(href)),
    anchors: new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id = '']) => unescaped(id))),
  };
}

/** @param {string} text */
function unescaped(text) {
  return text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}
