import type { Status, Until } from '../types.ts';
import type { Counts, Direction, FailureRecord, Outcome, StageStatus } from './timeline.ts';

export const statusLabels: { readonly [status in Status]: string } = {
  idle: 'Idle',
  'fetching-token': 'Fetching token',
  connecting: 'Connecting',
  authenticating: 'Authenticating',
  ready: 'Ready',
  waiting: 'Waiting',
  closed: 'Closed',
};

/** What takes the time of a stage. */
export const stageLabels: { readonly [status in StageStatus]: string } = {
  'fetching-token': 'Token',
  connecting: 'Connect',
  authenticating: 'Init',
  ready: 'Ready',
};

export const outcomeLabels: { readonly [outcome in Outcome]: string } = {
  failed: 'Failed',
  'gave up': 'Gave up',
  closed: 'Closed on request',
  'started over': 'Started over',
  'handed over': 'Handed over',
};

const conditions = {
  online: 'the network is back',
  visible: 'the page is seen',
  shown: 'the page is shown again',
} as const;

/** A duration in ms, as short as it can be read at a glance; rounded before a unit is chosen. */
export function formatDuration(ms: number): string {
  if (ms < 1) return '< 1 ms';
  const whole = Math.round(ms);
  if (whole < 1000) return `${whole} ms`;
  const tenths = Math.round(ms / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(ms / 60_000);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The time of day, to the ms, as the logs of servers have it. */
export function formatTime(at: number): string {
  const date = new Date(at);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  const [hours, minutes, seconds] = parts.map((part) => String(part).padStart(2, '0'));
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** What a wait waits for, at a moment. */
export function formatUntil({ until, retryAt }: Until, now: number): string {
  return until ? `until ${conditions[until]}` : `${formatDuration(Math.max(0, retryAt - now))}`;
}

/** Where a failure happened, and what the server said of it. */
export function formatFacts(failure: FailureRecord): string {
  const { stage, status, closeCode, retryAfter, cause } = failure;
  return [
    `stage ${stage}`,
    status !== undefined && `HTTP ${status}`,
    closeCode !== undefined && `close code ${closeCode}`,
    retryAfter !== undefined && `retry after ${formatDuration(retryAfter)}`,
    cause && `caused by a ${cause}`,
  ]
    .filter(Boolean)
    .join(', ');
}

const numbers = new Intl.NumberFormat('en');

/** Grouped by thousands. */
export const formatNumber = (count: number): string => numbers.format(count);

const directions: readonly Direction[] = ['in', 'out', 'unsent'];

/** How many messages went where; those that there were. */
export function formatCounts(counts: Counts): string {
  const told = directions.filter((direction) => counts[direction]);
  return told.map((direction) => `${formatNumber(counts[direction])} ${direction}`).join(', ');
}
