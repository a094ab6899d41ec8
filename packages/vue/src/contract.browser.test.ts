import { type App, createApp, createSSRApp, h, shallowRef } from 'vue';
import { contract } from '../../contract/contract.ts';
import { serverHtml } from './testing/server-html.ts';
import { views } from './testing/views.ts';

function mount(create: typeof createApp) {
  return (view: keyof typeof views, given: any, target: HTMLElement) => {
    const props = shallowRef(given);
    const app: App = create({ render: () => h(views[view] as any, props.value) });
    app.mount(target);
    return {
      update(next: any) {
        props.value = next;
      },
      unmount: () => app.unmount(),
    };
  };
}

contract('Vue', { mount: mount(createApp), hydrate: mount(createSSRApp), serverHtml });
