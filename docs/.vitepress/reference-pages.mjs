/** Sections that say no more than the declaration above them, unless they describe something. */
const repetitive = /^(Parameters|Returns|Type Declaration|Type Parameters)$/;

/**
 * A page of the reference with less noise: without sections that repeat a declaration, and with links
 * to the types that a declaration names.
 *
 * @param {string} markdown
 * @param {(name: string) => string | undefined} linkOf where a type is described
 */
export function tidied(markdown, linkOf) {
  let dropped = Number.POSITIVE_INFINITY;
  const sections = markdown.split(/^(?=#{1,6} )/m).filter((section) => {
    const [, marks = '', title = ''] = section.match(/^(#+) (.*)/) ?? [];
    const level = marks.length;
    if (level > dropped) return false;
    const isNoise = level > 3 && repetitive.test(title) && !section.includes('| Description |');
    dropped = isNoise || title === 'Union Members' ? level : Number.POSITIVE_INFINITY;
    return dropped > level;
  });
  return sections.map((section) => linked(section.replace(/^\*\*\*\n/gm, ''), linkOf)).join('');
}

/**
 * @param {string} section
 * @param {(name: string) => string | undefined} linkOf
 */
function linked(section, linkOf) {
  const [, code = ''] = section.match(/^```ts\n([\s\S]*?)^```\n/m) ?? [];
  const links = [...new Set(code.match(/\b[A-Z]\w+/g))].flatMap((name) => {
    const target = linkOf(name);
    return target ? [`[\`${name}\`](${target})`] : [];
  });
  return links.length ? `${section.trimEnd()}\n\nSee ${links.join(', ')}.\n\n` : section;
}
