import { make, setHidden, setText, type View } from './dom.ts';
import { createFailure } from './failure-view.ts';
import { formatCounts, formatNumber, formatTime } from './format.ts';
import type { Direction, Row, Sample } from './timeline.ts';

/** One second of messages, or a failure that ended nothing. */
export function createRow(
  { at, kind }: Row,
  setting: () => { readonly errorPages: string | undefined },
): View<Row> {
  const content = kind === 'traffic' ? createTraffic() : createTrouble(setting);
  const node = make('li', { 'data-kind': kind }, make('time', {}, formatTime(at)), content.node);
  let shown: Row | undefined;
  return {
    node,
    update(row) {
      if (row !== shown) content.update(row as never);
      shown = row;
    },
  };
}

function createTrouble(setting: Parameters<typeof createRow>[1]): View<Row & { kind: 'failure' }> {
  const failure = createFailure(setting);
  const times = make('span', { class: 'times' });
  failure.node.firstElementChild?.append(' ', times);
  return {
    node: failure.node,
    update({ failure: facts, count }) {
      failure.update(facts);
      setHidden(times, count === 1);
      setText(times, `${formatNumber(count)} times in this second`);
    },
  };
}

function createTraffic(): View<Row & { kind: 'traffic' }> {
  const text = make('span');
  const samples = make('ul', { class: 'samples' });
  return {
    node: make('div', {}, text, samples),
    update(row) {
      setText(text, formatCounts(row.counts));
      // They only ever become more.
      for (const sample of row.samples.slice(samples.childElementCount)) {
        samples.append(createSample(sample));
      }
    },
  };
}

const arrows: { readonly [direction in Direction]: string } = { in: '↓', out: '↑', unsent: '×' };

function createSample({ direction, text }: Sample): HTMLElement {
  const arrow = make('span', { 'aria-hidden': 'true' }, arrows[direction]);
  return make(
    'li',
    { 'data-direction': direction },
    ...[arrow, make('span', { class: 'spoken' }, direction), make('code', {}, text)],
  );
}
