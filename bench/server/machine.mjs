import { availableParallelism, cpus, loadavg } from 'node:os';

/** How many files a process here may have open: Node raises its own limit to it. */
export const openFiles = Number(process.report.getReport().userLimits?.open_files.hard) || Infinity;

/** What the numbers of a run depend on, in a line. */
export function describeMachine() {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const load = loadavg()[0].toFixed(2);
  return `Node ${process.versions.node}, ${availableParallelism()} cores (${model}), load average at the start ${load}`;
}
