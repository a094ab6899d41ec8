/**
 * The arrows of a state diagram of Mermaid, as a table: the site has no program that draws it.
 *
 * @param {string} diagram
 * @returns {string | undefined} Markdown; `undefined` for a diagram of another kind
 */
export function tableOf(diagram) {
  if (!diagram.startsWith('stateDiagram')) return undefined;
  /** @param {string} state */
  const shown = (state) => `\`${state.replaceAll('_', '-')}\``;
  const arrows = [...diagram.matchAll(/^\s*(\w+) --> (\w+)(?:: (.*))?$/gm)];
  const rows = arrows.map(
    ([, from = '', to = '', by = '']) => `| ${shown(from)} | ${shown(to)} | ${by} |`,
  );
  const groups = [...diagram.matchAll(/^ *state (\w+) \{([\s\S]*?)\}/gm)].map(
    ([, name = '', inner = '']) => {
      const states = [...inner.matchAll(/(\w+) --> (\w+)/g)].flatMap(([, from, to]) => [from, to]);
      return `${shown(name)} is one of ${[...new Set(states)].map((state) => shown(state ?? '')).join(', ')}.`;
    },
  );
  return [...groups, '', '| from | to | by |', '| --- | --- | --- |', ...rows].join('\n');
}
