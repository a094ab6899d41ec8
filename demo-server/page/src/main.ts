import { inspect } from '@two-stage-socket/core/devtools';
import { type User, users } from './api.ts';
import { mountFaults } from './faults.ts';
import { createPanel, type Framework, frameworks, type Panel } from './panel.ts';

/** What each framework is started by; loaded only where its panel is shown. */
const mounts: { readonly [framework in Framework]: () => Promise<Mount> } = {
  react: () => import('./react/mount.tsx').then(({ mount }) => mount),
  vue: () => import('./vue/mount.ts').then(({ mount }) => mount),
  svelte: () => import('./svelte/mount.ts').then(({ mount }) => mount),
};

type Mount = (target: HTMLElement, panel: Panel) => void;

const query = new URLSearchParams(location.search);
const only = frameworks.find((framework) => framework === query.get('panel'));
const shown = only ? [only] : frameworks;

/** The page comes up logged in, so that there is something to see; `?user=nobody` does not. */
function firstUser(framework: Framework): User | undefined {
  const asked = query.get('user');
  if (asked === null) return framework === 'vue' ? 'bob' : 'ada';
  return users.find((user) => user === asked);
}

for (const link of document.querySelectorAll<HTMLAnchorElement>('nav a[data-panel]')) {
  if (link.dataset.panel === (only ?? '')) link.setAttribute('aria-current', 'page');
}

const main = document.querySelector('main') as HTMLElement;
for (const framework of shown) {
  const target = document.createElement('div');
  target.className = 'panel-slot';
  main.append(target);
  const panel = createPanel(framework, firstUser(framework));
  inspect(panel.socket, { name: panel.title, messages: true });
  mounts[framework]().then((mount) => mount(target, panel));
}

mountFaults();
