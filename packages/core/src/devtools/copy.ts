import { make, setText } from './dom.ts';
import { getInspections } from './registry.ts';
import { toReport } from './report.ts';

/** How long it is said that something was copied, in ms. */
const said = 4000;

/** The report of all sockets that are inspected, as Markdown. */
export const report = (): string =>
  toReport(
    getInspections().map((inspection) => ({
      name: inspection.name,
      timeline: inspection.getTimeline(),
    })),
    {
      now: Date.now(),
      userAgent: globalThis.navigator?.userAgent ?? 'no browser',
      isOnline: globalThis.navigator?.onLine ?? true,
      isVisible: globalThis.document?.visibilityState === 'visible',
    },
  );

/** Copies the report; where the page may not write to the clipboard, shows it to be copied by hand. */
export function createCopy(): { readonly button: HTMLElement; readonly node: HTMLElement } {
  const button = make('button', { type: 'button' }, 'Copy report');
  const status = make('p', { class: 'copied', role: 'status' });
  const text = make('textarea', { readonly: '', rows: '8', 'aria-label': 'Report' });
  const done = make('button', { type: 'button' }, 'Done');
  const byHand = make('div', { class: 'by-hand' }, text, done);
  byHand.hidden = true;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const say = (what: string, isByHand: boolean) => {
    clearTimeout(timer);
    setText(status, what);
    byHand.hidden = !isByHand;
  };
  button.addEventListener('click', async () => {
    const made = report();
    try {
      await navigator.clipboard.writeText(made);
      say('Copied: it has no message, no URL and no credential.', false);
      timer = setTimeout(say, said, '', false);
    } catch {
      say('The page may not write to the clipboard: copy it from here.', true);
      text.value = made;
      text.focus();
      text.select();
    }
  });
  done.addEventListener('click', () => {
    say('', false);
    button.focus();
  });
  return { button, node: make('div', { class: 'copy' }, status, byHand) };
}
