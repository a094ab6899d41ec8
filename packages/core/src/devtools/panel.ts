import { createAttempt, type Setting } from './attempt-view.ts';
import { lengthOf } from './bar.ts';
import { createCopy } from './copy.ts';
import { keyedList, make, setAttribute, setHidden, setText } from './dom.ts';
import { formatCounts, statusLabels } from './format.ts';
import { getInspections, type Inspection } from './registry.ts';
import { createTabs } from './tabs.ts';
import type { Timeline } from './timeline.ts';

/** How often what counts while one looks is drawn, in ms: a stage or a wait, and a connection. */
const quickTick = 100;
const slowTick = 1000;

export interface Panel {
  readonly node: HTMLElement;
  /** Draws what there is to see now; returns in how many ms that will have changed by itself. */
  render(isOpen: boolean, docs: string | undefined): number | undefined;
}

/** All that is in the element; `onChange` is called when it wants to be drawn again. */
export function createPanel(onToggle: () => void, onChange: () => void): Panel {
  let setting: Setting = { now: 0, longest: 0, showsMessages: false, errorPages: undefined };
  let selected: Inspection | undefined;
  let listed: Inspection | undefined;

  const dot = make('span', { class: 'dot', 'aria-hidden': 'true' });
  const summary = make('span', { class: 'summary' });
  const toggle = make(
    'button',
    { type: 'button', class: 'toggle', 'aria-controls': 'body' },
    ...[dot, make('strong', {}, 'Two-Stage Socket devtools'), summary],
  );
  const copy = createCopy();
  const clear = make('button', { type: 'button' }, 'Clear');
  const actions = make('div', { class: 'actions' }, clear, copy.button);
  const tabs = createTabs((inspection) => {
    selected = inspection;
    onChange();
  });
  const controls = make('div', { class: 'controls' }, tabs.node, actions);
  const totals = make('p', { class: 'totals' });
  const view = make('div', { id: 'view', class: 'view', role: 'tabpanel', tabindex: '0' });
  const body = make('div', { id: 'body', class: 'body' }, ...[controls, copy.node, view]);
  const node = make('section', { 'aria-label': 'Two-Stage Socket devtools' }, toggle, body);

  const createList = () => {
    const list = make('ol', { class: 'attempts', 'aria-label': 'Attempts, the newest first' });
    view.replaceChildren(totals, list);
    return keyedList(list, () => createAttempt(() => setting));
  };
  let showAttempts = createList();

  toggle.addEventListener('click', onToggle);
  clear.addEventListener('click', () => selected?.clear());

  const showSelected = (inspection: Inspection, timeline: Timeline, errorPages?: string) => {
    const now = Date.now();
    const { attempts } = timeline;
    const longest = Math.max(...attempts.map((attempt) => lengthOf(attempt, now)));
    setting = { now, longest, showsMessages: inspection.showsMessages, errorPages };
    // The ids of attempts are those of one socket.
    if (listed !== inspection) showAttempts = createList();
    listed = inspection;
    setAttribute(view, 'aria-labelledby', `tab-${inspection.id}`);
    setText(totals, describeTotals(inspection, timeline));
    showAttempts(attempts.toReversed());
  };

  return {
    node,
    render(isOpen, docs) {
      const inspections = getInspections();
      const timelines = inspections.map((inspection) => inspection.getTimeline());
      if (!selected || !inspections.includes(selected)) selected = inspections[0];

      setAttribute(toggle, 'aria-expanded', String(isOpen));
      setHidden(body, !isOpen);
      setAttribute(dot, 'data-tone', worstOf(timelines));
      // The tabs say as much.
      setHidden(summary, isOpen && inspections.length > 0);
      setText(summary, describeAll(inspections, timelines));
      if (!isOpen) return undefined;

      tabs.update(inspections, selected);
      setHidden(controls, !selected);
      setHidden(view, !selected);
      if (!selected) return undefined;
      const timeline = selected.getTimeline();
      showSelected(selected, timeline, docs && toErrorPages(docs));
      return tickOf(timeline);
    },
  };
}

const order = ['closed', 'waiting', 'fetching-token', 'connecting', 'authenticating', 'idle'];

/** The status that most wants to be looked at. */
function worstOf(timelines: readonly Timeline[]): string {
  const statuses = timelines.map(({ status }) => status as string);
  return order.find((status) => statuses.includes(status)) ?? statuses[0] ?? 'idle';
}

function describeAll(inspections: readonly Inspection[], timelines: readonly Timeline[]): string {
  if (!inspections.length) return 'No socket yet: call inspect(socket)';
  return inspections
    .map(({ name }, index) => `${name}: ${statusLabels[timelines[index]?.status ?? 'idle']}`)
    .join(', ');
}

function describeTotals({ showsMessages }: Inspection, { attempts, counts }: Timeline): string {
  if (!attempts.length) return 'Nothing has happened yet.';
  const traffic = formatCounts(counts);
  const hint = showsMessages ? 'what looks like a secret is masked' : 'contents are not shown';
  return traffic ? `Messages: ${traffic}; ${hint}.` : 'No messages yet.';
}

function tickOf({ status, attempts }: Timeline): number | undefined {
  if (status === 'idle' || status === 'closed') return undefined;
  const isParked = status === 'waiting' && attempts.at(-1)?.wait?.until;
  return isParked || status === 'ready' ? slowTick : quickTick;
}

/** Where the pages about errors are; nothing where that is no web address. */
function toErrorPages(docs: string): string | undefined {
  try {
    const { href, protocol } = new URL('errors/', new URL(docs, document.baseURI));
    return /^https?:$/.test(protocol) ? href : undefined;
  } catch {
    return undefined;
  }
}
