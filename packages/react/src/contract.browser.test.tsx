import { type FunctionComponent, Profiler, StrictMode } from 'react';
import { createRoot, hydrateRoot, type Root } from 'react-dom/client';
import { type Adapter, contract } from '../../contract/contract.ts';
import { serverHtml } from './testing/server-html.ts';
import { views } from './testing/views.tsx';

function adapter(Mode: FunctionComponent<any>): Adapter {
  const tree = (view: keyof typeof views, props: any) => {
    const View: FunctionComponent<any> = views[view];
    // A profiler counts what is below as well: what looks at its own renders only does so by itself.
    const onRender = view === 'Shared' ? () => {} : () => props.onRender();
    return (
      <Mode>
        <Profiler id={view} onRender={onRender}>
          <View {...props} />
        </Profiler>
      </Mode>
    );
  };
  const mounted = (view: keyof typeof views, root: Root) => ({
    update: (props: any) => root.render(tree(view, props)),
    unmount: () => root.unmount(),
  });
  return {
    serverHtml,
    mount(view, props, target) {
      const root = createRoot(target);
      root.render(tree(view, props));
      return mounted(view, root);
    },
    hydrate: (view, props, target) => mounted(view, hydrateRoot(target, tree(view, props))),
  };
}

contract(
  'React',
  adapter(({ children }) => children),
);
contract('React, in StrictMode', adapter(StrictMode as FunctionComponent));
