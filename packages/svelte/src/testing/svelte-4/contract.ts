// Run by `npm run test:matrix` alone: what is installed here is Svelte 5, which mounts otherwise.
import type { ComponentConstructorOptions, SvelteComponent } from 'svelte';
import { type Adapter, contract, type Views } from '../../../../contract/contract.ts';
import { serverHtml } from '../server-html.ts';
import { Chat, Feed, Listener, Shared } from '../store/index.ts';

/** What Svelte 4 compiles a component to. */
type Component = new (options: ComponentConstructorOptions) => SvelteComponent;

const views = { Chat, Feed, Listener, Shared } as unknown as Record<keyof Views, Component>;

const by =
  (options: { readonly hydrate?: true }): Adapter['mount'] =>
  (view: keyof Views, props, target) => {
    const View = views[view];
    const component = new View({ target, props: { ...props }, ...options });
    return {
      update: (next) => component.$set({ ...next }),
      unmount: () => component.$destroy(),
    };
  };

contract('Svelte 4', { mount: by({}), hydrate: by({ hydrate: true }), serverHtml });
