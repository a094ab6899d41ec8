import type { FunctionComponent } from 'react';
import { renderToString } from 'react-dom/server';
import { serverContract } from '../../contract/server-contract.ts';
import { serverHtml } from './testing/server-html.ts';
import { views } from './testing/views.tsx';

serverContract(async (view, props) => {
  const View: FunctionComponent<any> = views[view];
  return renderToString(<View {...props} />);
}, serverHtml);
