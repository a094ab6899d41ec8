/** How many times as fast as `base` this was, round by round: a slow moment of the machine hits both. */
export function ratios(base, times) {
  return times.map((time, round) => base[round] / time).sort((a, b) => a - b);
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/**
 * Between which values the true median lies, 19 times out of 20, of sorted values; by their order alone,
 * so that it does not matter how wild the wildest are.
 */
export function medianBounds(sorted) {
  const reach = 0.98 * Math.sqrt(sorted.length);
  const at = (rank) => sorted[Math.min(Math.max(Math.round(rank), 0), sorted.length - 1)];
  return [at(sorted.length / 2 - reach - 1), at(sorted.length / 2 + reach)];
}

/** An order drawn anew: else each would always pay for what the same other one has left behind. */
export function shuffled(list) {
  return list
    .map((item) => [Math.random(), item])
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
