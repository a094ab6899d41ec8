import { createApp } from 'vue';
import { view } from '../harness.mjs';
import LastMessage from './LastMessage.vue';
import MessageList from './MessageList.vue';
import SharedSocket from './SharedSocket.vue';

const views = { last: LastMessage, list: MessageList, shared: SharedSocket };

export const mount = (variant) => createApp(views[view], { variant }).mount('#app');
