import { adviceOn } from './advice.ts';
import { make, setAttribute, setText, type View } from './dom.ts';
import { formatFacts } from './format.ts';
import type { FailureRecord } from './timeline.ts';

/** A failure: its code, which links to its page where there is one, its facts, and what to do. */
export function createFailure(
  setting: () => { readonly errorPages: string | undefined },
): View<FailureRecord> & { readonly node: HTMLElement } {
  const code = make('a', { target: '_blank', rel: 'noreferrer' });
  const facts = make('span');
  const advice = make('p');
  return {
    node: make('div', { class: 'failure' }, make('p', {}, code, ' ', facts), advice),
    update(failure) {
      const { errorPages } = setting();
      setText(code, failure.code);
      setAttribute(code, 'href', errorPages && errorPages + failure.code);
      setText(facts, formatFacts(failure));
      setText(advice, adviceOn(failure));
    },
  };
}
