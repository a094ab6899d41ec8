import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import type { Panel as Model } from '../panel.ts';
import { Panel } from './Panel.tsx';

export function mount(target: HTMLElement, panel: Model): void {
  createRoot(target).render(
    <StrictMode>
      <Panel panel={panel} />
    </StrictMode>,
  );
}
