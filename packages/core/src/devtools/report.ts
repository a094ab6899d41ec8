import {
  formatCounts,
  formatDuration,
  formatFacts,
  formatUntil,
  outcomeLabels,
  statusLabels,
} from './format.ts';
import type { AttemptRecord, Row, Timeline } from './timeline.ts';
import { version } from './version.ts';

/** How many seconds of traffic a report has of each attempt; the counts above them are of all. */
const maxTrafficRows = 10;

/** What a report says of where it was made. */
export interface Surroundings {
  readonly now: number;
  readonly userAgent: string;
  readonly isOnline: boolean;
  readonly isVisible: boolean;
}

/** A timeline under the name of its socket. */
export interface Named {
  readonly name: string;
  readonly timeline: Timeline;
}

/**
 * What was seen of sockets, as Markdown for a bug report: times, stages, failures and counts. It has no
 * message, no URL, no credential, and nothing that an error of the app said.
 */
export function toReport(sockets: readonly Named[], surroundings: Surroundings): string {
  const { now, userAgent, isOnline, isVisible } = surroundings;
  return [
    '## Two-Stage Socket report',
    '',
    `- @two-stage-socket/core ${version}`,
    `- ${userAgent}`,
    `- ${isOnline ? 'online' : 'offline'}, page ${isVisible ? 'visible' : 'hidden'}`,
    `- ${new Date(now).toISOString()}`,
    ...sockets.flatMap((socket) => ['', ...describeSocket(socket, now)]),
    '',
  ].join('\n');
}

function describeSocket({ name, timeline }: Named, now: number): string[] {
  const { status, attempts, forgotten, counts } = timeline;
  const title = `### ${name}: ${statusLabels[status].toLowerCase()}`;
  const start = attempts[0]?.from;
  if (start === undefined) return [title, '', 'Nothing has happened yet.'];
  const traffic = formatCounts(counts);
  return [
    ...[title, ''],
    `Messages: ${traffic || 'none'}. Times in ms since ${new Date(start).toISOString()}.`,
    '',
    '```',
    ...(forgotten
      ? [`(${forgotten} ${forgotten === 1 ? 'attempt' : 'attempts'} before these)`]
      : []),
    ...attempts.flatMap((attempt) => describeAttempt(attempt, now)).map(toLine(start)),
    '```',
  ];
}

/** Something that happened, and when. */
type Line = readonly [at: number, text: string];

const toLine =
  (start: number) =>
  ([at, text]: Line): string =>
    `${String(at - start).padStart(9)}  ${text}`;

function describeAttempt(attempt: AttemptRecord, now: number): Line[] {
  const { from, to = now, number, isHandover, stages, wire, outcome, failure, wait } = attempt;
  const lines: Line[] = [
    ...stages.map((stage): Line => {
      const took = formatDuration((stage.to ?? now) - stage.from);
      const isReady = stage.status === 'ready';
      return [stage.from, `  ${stage.status} ${took}${isReady ? `, ${wire}` : ''}`];
    }),
    ...reported(attempt.rows).map((row): Line => [row.at, `  ${describeRow(row)}`]),
  ];
  lines.sort(([a], [b]) => a - b);
  lines.unshift([from, isHandover ? 'handover' : `attempt ${number}`]);
  if (outcome) {
    const why = failure ? `: ${failure.code} (${formatFacts(failure)})` : '';
    lines.push([to, `  ${outcomeLabels[outcome].toLowerCase()}${why}`]);
  }
  if (wait) {
    const waited = wait.to === undefined ? '' : `, waited ${formatDuration(wait.to - wait.from)}`;
    lines.push([wait.from, `  waits ${formatUntil(wait, wait.from)}${waited}`]);
  }
  return lines;
}

/** All failures, and the latest of the traffic. */
function reported(rows: readonly Row[]): readonly Row[] {
  const latest = new Set(rows.filter(({ kind }) => kind === 'traffic').slice(-maxTrafficRows));
  return rows.filter((row) => row.kind === 'failure' || latest.has(row));
}

function describeRow(row: Row): string {
  if (row.kind === 'traffic') return formatCounts(row.counts);
  const times = row.count > 1 ? ` × ${row.count}` : '';
  return `${row.failure.code} (${formatFacts(row.failure)})${times}`;
}
