/**
 * A table for a terminal, its columns aligned, and what there is to note below it.
 *
 * @param {string[][]} cells by row, the head first
 * @param {readonly string[]} notes
 */
export function textTable(cells, notes) {
  const widths = (cells[0] ?? []).map((_, i) =>
    Math.max(...cells.map((row) => row[i]?.length ?? 0)),
  );
  const lines = cells.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
  return [...lines.map((line) => line.trimEnd()), ...(notes.length ? ['', ...notes] : [])].join(
    '\n',
  );
}
