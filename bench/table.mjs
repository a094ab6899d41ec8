/** Lines of text with aligned columns; the first column is left-aligned, the rest to the right. */
export function table(header, rows) {
  const lines = [header, header.map(() => ''), ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...lines.map((row) => row[column].length)));
  return lines
    .map((row, index) =>
      row
        .map((cell, column) => {
          if (index === 1) return '-'.repeat(widths[column]);
          return column ? cell.padStart(widths[column]) : cell.padEnd(widths[column]);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
