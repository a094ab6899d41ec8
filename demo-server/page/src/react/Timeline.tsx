import { formatFineTime } from '../format.ts';
import type { Timeline as Model } from '../timeline.ts';

/** What happened, the newest first. */
export function Timeline({ timeline }: { timeline: Model }) {
  return (
    <section className="log timeline" aria-label="Timeline">
      <header>
        <h3>Timeline</h3>
      </header>
      <ol
        className="scroll"
        tabIndex={0}
        aria-label="Events, the newest first"
        data-testid="timeline"
      >
        {timeline.entries.map(({ id, at, tone, text, detail }) => (
          <li data-tone={tone} data-testid="event" key={id}>
            <time>{formatFineTime(at)}</time>
            <span className="text">{text}</span>
            <span className="detail">{detail}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
