import { keyedList, make, setAttribute, setText, type View } from './dom.ts';
import { statusLabels } from './format.ts';
import type { Inspection } from './registry.ts';

/** The sockets, of which one is shown. */
export interface Tabs {
  readonly node: HTMLElement;
  update(inspections: readonly Inspection[], selected: Inspection | undefined): void;
}

const steps: { readonly [key: string]: (index: number, count: number) => number } = {
  ArrowRight: (index, count) => (index + 1) % count,
  ArrowLeft: (index, count) => (index + count - 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

export function createTabs(onSelect: (inspection: Inspection) => void): Tabs {
  const node = make('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Sockets' });
  let shown: Inspection | undefined;
  let all: readonly Inspection[] = [];

  const showTabs = keyedList<Inspection>(node, (inspection) =>
    createTab(
      () => shown === inspection,
      () => onSelect(inspection),
    ),
  );
  node.addEventListener('keydown', (event) => {
    const index = all.findIndex(({ id }) => id === shown?.id);
    const next = steps[event.key]?.(index, all.length);
    const inspection = next === undefined ? undefined : all[next];
    if (!inspection) return;
    event.preventDefault();
    onSelect(inspection);
    (node.children[next as number] as HTMLElement).focus();
  });
  return {
    node,
    update(inspections, selected) {
      all = inspections;
      shown = selected;
      showTabs(inspections);
    },
  };
}

function createTab(isSelected: () => boolean, onClick: () => void): View<Inspection> {
  const dot = make('span', { class: 'dot', 'aria-hidden': 'true' });
  const name = make('strong');
  const status = make('small');
  const node = make(
    'button',
    { type: 'button', role: 'tab', 'aria-controls': 'view' },
    ...[dot, name, ' ', status],
  );
  node.addEventListener('click', onClick);
  return {
    node,
    update(inspection) {
      const timeline = inspection.getTimeline();
      node.id = `tab-${inspection.id}`;
      setAttribute(node, 'aria-selected', String(isSelected()));
      node.tabIndex = isSelected() ? 0 : -1;
      setAttribute(dot, 'data-tone', timeline.status);
      setText(name, inspection.name);
      setText(status, statusLabels[timeline.status]);
    },
  };
}
