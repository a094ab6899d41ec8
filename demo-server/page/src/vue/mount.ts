import { createApp } from 'vue';
import type { Panel as Model } from '../panel.ts';
import Panel from './Panel.vue';

export function mount(target: HTMLElement, panel: Model): void {
  createApp(Panel, { panel }).mount(target);
}
