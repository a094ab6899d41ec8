import { mount as mountComponent } from 'svelte';
import type { Panel as Model } from '../panel.ts';
import Panel from './Panel.svelte';

export function mount(target: HTMLElement, panel: Model): void {
  mountComponent(Panel, { target, props: { panel } });
}
