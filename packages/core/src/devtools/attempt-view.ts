import { createBar, type Scale, type TimedStage, timed } from './bar.ts';
import { keyedList, make, setAttribute, setHidden, setText, type View } from './dom.ts';
import { createFailure } from './failure-view.ts';
import {
  formatCounts,
  formatDuration,
  formatTime,
  formatUntil,
  outcomeLabels,
  stageLabels,
  statusLabels,
} from './format.ts';
import { createRow } from './row-view.ts';
import type { AttemptRecord, FailureRecord, Row } from './timeline.ts';

/** What an attempt is shown with. */
export interface Setting extends Scale {
  readonly showsMessages: boolean;
  /** The address that the codes of errors go behind, if there is one. */
  readonly errorPages: string | undefined;
}

/** One attempt, its stages as bars, what ended it, the wait that followed, and its messages. */
export function createAttempt(setting: () => Setting): View<AttemptRecord> {
  const time = make('time');
  const title = make('strong');
  const state = make('span', { class: 'state' });
  const bar = createBar(setting);
  const stages = make('ul', { class: 'stages', 'aria-label': 'Stages' });
  const failure = createFailure(setting);
  const waitText = make('p');
  const progress = make('progress', { 'aria-label': 'Wait' });
  const wait = make('div', { class: 'wait' }, waitText, progress);
  const messages = make('button', { type: 'button', class: 'messages' });
  const rows = make('ol', { class: 'rows', 'aria-label': 'Events, the newest first' });
  const node = make(
    'li',
    { class: 'attempt' },
    make('p', { class: 'head' }, time, title, state),
    ...[bar.node, stages, failure.node, wait, messages, rows],
  );
  let isExpanded = setting().showsMessages;
  let shown: AttemptRecord | undefined;

  const showStages = keyedList<TimedStage & { id: number }>(stages, () => createStage(setting));
  const showRows = keyedList<Row>(rows, (row) => createRow(row, setting));
  const update = (attempt: AttemptRecord) => {
    shown = attempt;
    const { now } = setting();
    setAttribute(node, 'data-tone', toneOf(attempt));
    setText(time, formatTime(attempt.from));
    setText(title, attempt.isHandover ? 'Handover' : `Attempt ${attempt.number}`);
    setText(state, describeState(attempt, now));
    const timedStages = timed(attempt);
    setAttribute(bar.node, 'hidden', timedStages.length ? undefined : '');
    bar.update(attempt);
    showStages(timedStages.map((stage, id) => ({ ...stage, id })));

    setHidden(failure.node, !attempt.failure);
    if (attempt.failure) failure.update(attempt.failure);
    setHidden(wait, !attempt.wait);
    if (attempt.wait) showWait(attempt.wait, attempt.failure, now);

    const counts = formatCounts(attempt.counts);
    setHidden(messages, !counts);
    setText(messages, `Messages: ${counts}`);
    setAttribute(messages, 'aria-expanded', String(isExpanded));
    const visible = attempt.rows.filter(({ kind }) => isExpanded || kind === 'failure');
    setHidden(rows, !visible.length);
    showRows(visible.toReversed());
  };
  const showWait = (
    { from, to, ...until }: NonNullable<AttemptRecord['wait']>,
    reason: FailureRecord | undefined,
    now: number,
  ) => {
    const why = reason ? ` after ${reason.code}` : '';
    const isOver = to !== undefined;
    const left = until.until ? formatUntil(until, now) : `${formatUntil(until, now)} left`;
    setText(
      waitText,
      isOver ? `Waited ${formatDuration(to - from)}${why}` : `Waits${why}: ${left}`,
    );
    setHidden(progress, isOver || until.retryAt === undefined);
    if (isOver || until.retryAt === undefined) return;
    progress.max = Math.max(1, until.retryAt - from);
    progress.value = Math.max(0, now - from);
  };
  messages.addEventListener('click', () => {
    isExpanded = !isExpanded;
    if (shown) update(shown);
  });
  return { node, update };
}

function createStage(setting: () => Setting): View<TimedStage> {
  const label = make('span');
  const took = make('b');
  const node = make('li', {}, label, ' ', took);
  return {
    node,
    update({ status, tone, from, to = setting().now }) {
      setAttribute(node, 'data-tone', tone);
      setText(label, stageLabels[status]);
      setText(took, formatDuration(to - from));
    },
  };
}

/** What an attempt is in the colour of. */
function toneOf({ outcome, failure, stages }: AttemptRecord): string {
  if (outcome === 'failed' || outcome === 'gave up' || failure) return 'failure';
  return outcome ? 'closed' : (stages.at(-1)?.status ?? 'idle');
}

function describeState({ stages, outcome, wire }: AttemptRecord, now: number): string {
  const last = stages.at(-1);
  if (!last) return outcome ? outcomeLabels[outcome] : '';
  const duration = formatDuration((last.to ?? now) - last.from);
  const isReady = last.status === 'ready';
  if (outcome && isReady) return `Ready for ${duration}, then ${outcome}`;
  if (outcome) return outcomeLabels[outcome];
  return isReady ? `Ready for ${duration}, ${wire}` : `${statusLabels[last.status]} …`;
}
