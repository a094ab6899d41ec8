import { expect, test } from 'vitest';
import { createSSRApp, effectScope, h, nextTick } from 'vue';
import { renderToString } from 'vue/server-renderer';
import { createServer } from '../../contract/server.ts';
import { serverContract } from '../../contract/server-contract.ts';
import { useTwoStageSocket } from './index.ts';
import { serverHtml } from './testing/server-html.ts';
import { views } from './testing/views.ts';

serverContract(
  (view, props) => renderToString(createSSRApp({ render: () => h(views[view] as any, props) })),
  serverHtml,
);

test('on a server, a scope outside of components opens nothing either', async () => {
  const server = createServer();
  const scope = effectScope();
  scope.run(() => useTwoStageSocket(server.options));
  await nextTick();
  expect(server.tokenCalls).toEqual([]);
  scope.stop();
});
