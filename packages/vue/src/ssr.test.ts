import { createSSRApp, h } from 'vue';
import { renderToString } from 'vue/server-renderer';
import { serverContract } from '../../contract/server-contract.ts';
import { serverHtml } from './testing/server-html.ts';
import { views } from './testing/views.ts';

serverContract(
  (view, props) => renderToString(createSSRApp({ render: () => h(views[view] as any, props) })),
  serverHtml,
);
