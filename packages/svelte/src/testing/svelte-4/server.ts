// Run by `npm run test:matrix` alone: what is installed here is Svelte 5, which renders otherwise.

import type { Views } from '../../../../contract/contract.ts';
import { serverContract } from '../../../../contract/server-contract.ts';
import { serverHtml } from '../server-html.ts';
import { Chat, Feed, Listener, Shared } from '../store/index.ts';

/** What Svelte 4 compiles a component to for a server. */
interface Component {
  render(props: object): { readonly html: string };
}

const views = { Chat, Feed, Listener, Shared } as unknown as Record<keyof Views, Component>;

serverContract(async (view, props) => views[view].render(props).html, serverHtml);
