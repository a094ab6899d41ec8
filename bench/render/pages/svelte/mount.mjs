import { mount as mountComponent } from 'svelte';
import { view } from '../harness.mjs';
import LastMessage from './LastMessage.svelte';
import MessageList from './MessageList.svelte';
import SharedSocket from './SharedSocket.svelte';

const views = { last: LastMessage, list: MessageList, shared: SharedSocket };

export const mount = (variant) =>
  mountComponent(views[view], { target: document.querySelector('#app'), props: { variant } });
