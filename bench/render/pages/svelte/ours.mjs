import { createSocketContext, reducedMessages } from '@two-stage-socket/svelte';
import { derived } from 'svelte/store';
import { initial, reducer, view } from '../harness.mjs';
import { options } from '../two-stages.mjs';

const [provideChat, useChat] = createSocketContext('Chat');
const getChat = view === 'shared' ? useChat : () => provideChat(options);

export const provideShared = () => provideChat(options);
export const createFeed = () => reducedMessages(getChat().socket, reducer, initial);
export const createStatus = () => derived(getChat(), ({ status }) => status);
