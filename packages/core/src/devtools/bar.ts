import { setAttribute, type View } from './dom.ts';
import type { AttemptRecord, StageSpan, StageStatus } from './timeline.ts';

const svg = 'http://www.w3.org/2000/svg';

/** What the bars are drawn to: the moment, and how long the longest of them is, in ms. */
export interface Scale {
  readonly now: number;
  readonly longest: number;
}

/**
 * The stages of an attempt as one bar. In SVG, whose lengths are attributes: a style would be for the
 * page's Content-Security-Policy to allow.
 */
export function createBar(scale: () => Scale): View<AttemptRecord> {
  const node = document.createElementNS(svg, 'svg');
  node.setAttribute('class', 'bar');
  // The durations stand below it.
  node.setAttribute('aria-hidden', 'true');
  return {
    node,
    update(attempt) {
      const { now, longest } = scale();
      const stages = timed(attempt);
      while (node.childElementCount > stages.length) node.lastElementChild?.remove();
      stages.forEach(({ tone, from, to = now }, index) => {
        const rect =
          node.children[index] ?? node.appendChild(document.createElementNS(svg, 'rect'));
        setAttribute(rect, 'data-tone', tone);
        setAttribute(rect, 'x', toPercent(from - attempt.from, longest));
        setAttribute(rect, 'width', toPercent(to - from, longest));
        setAttribute(rect, 'height', '100%');
      });
    },
  };
}

/** A stage, and what it is in the colour of. */
export interface TimedStage extends StageSpan {
  readonly tone: StageStatus | 'failure';
}

/** The stages that a bar shows: how long a connection was ready would leave no room for them. */
export function timed({ stages, failure }: AttemptRecord): readonly TimedStage[] {
  const failed = failure && stages.at(-1);
  return stages
    .filter(({ status }) => status !== 'ready')
    .map((stage) => ({ ...stage, tone: stage === failed ? 'failure' : stage.status }));
}

/** How long the stages of an attempt took together, in ms. */
export function lengthOf(attempt: AttemptRecord, now: number): number {
  const last = timed(attempt).at(-1);
  return last ? (last.to ?? now) - attempt.from : 0;
}

const toPercent = (ms: number, longest: number): string =>
  `${((Math.max(0, ms) / Math.max(1, longest)) * 100).toFixed(2)}%`;
