import type { Component } from 'svelte';
import { render } from 'svelte/server';
import { writable } from 'svelte/store';
import { describe } from 'vitest';
import { serverContract } from '../../contract/server-contract.ts';
import ChatRune from './testing/ChatRune.svelte';
import ChatStore from './testing/ChatStore.svelte';
import FeedRune from './testing/FeedRune.svelte';
import FeedStore from './testing/FeedStore.svelte';
import Listener from './testing/Listener.svelte';
import Props from './testing/Props.svelte';
import { serverHtml } from './testing/server-html.ts';
import * as store from './testing/store/index.ts';

const forms: { readonly [form: string]: { readonly [view: string]: Component<any> } } = {
  runes: { Chat: ChatRune, Feed: FeedRune, Listener },
  stores: { Chat: ChatStore, Feed: FeedStore, Listener },
  'the stores of Svelte 4': store,
};

describe.each(Object.entries(forms))('by %s', (_, views) => {
  serverContract(
    async (view, given) => {
      const props = { component: views[view], given: writable(given) };
      return render(Props, { props }).body;
    },
    serverHtml,
    { alwaysIdle: false },
  );
});
