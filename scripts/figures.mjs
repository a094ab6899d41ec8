const marked = /<!-- size:([\w-]+) -->(.*?)<!-- \/size -->/g;

/**
 * The sizes that a text tells in marks like `<!-- size:core -->2.9 kB<!-- /size -->`.
 *
 * @param {string} text
 */
export function figuresIn(text) {
  return [...text.matchAll(marked)].map(([, name = '', figure = '']) => ({ name, figure }));
}

/**
 * The text with `figures` in its marks; a mark of another name stays as it is.
 *
 * @param {string} text
 * @param {Record<string, string>} figures
 */
export function withFigures(text, figures) {
  return text.replace(marked, (mark, name) =>
    name in figures ? `<!-- size:${name} -->${figures[name]}<!-- /size -->` : mark,
  );
}

/** @param {number} bytes */
export function toFigure(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
