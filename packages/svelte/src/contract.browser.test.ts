import { type Component, hydrate, mount, unmount } from 'svelte';
import { writable } from 'svelte/store';
import { type Adapter, contract, type Views } from '../../contract/contract.ts';
import ChatRune from './testing/ChatRune.svelte';
import ChatStore from './testing/ChatStore.svelte';
import FeedRune from './testing/FeedRune.svelte';
import FeedStore from './testing/FeedStore.svelte';
import Listener from './testing/Listener.svelte';
import Props from './testing/Props.svelte';
import Shared from './testing/Shared.svelte';
import { serverHtml } from './testing/server-html.ts';
import * as store from './testing/store/index.ts';

function adapter(views: { readonly [view in keyof Views]: Component<any> }): Adapter {
  const by =
    (create: typeof mount | typeof hydrate) =>
    (view: keyof Views, props: any, target: HTMLElement) => {
      const given = writable(props);
      const mounted = create(Props, { target, props: { component: views[view], given } });
      return { update: given.set, unmount: () => void unmount(mounted) };
    };
  return { mount: by(mount), hydrate: by(hydrate), serverHtml };
}

contract('Svelte, by runes', adapter({ Chat: ChatRune, Feed: FeedRune, Listener, Shared }));
contract('Svelte, by stores', adapter({ Chat: ChatStore, Feed: FeedStore, Listener, Shared }));
contract('Svelte, by the stores of Svelte 4', adapter(store));
