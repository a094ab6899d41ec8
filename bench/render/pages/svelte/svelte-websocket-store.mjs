import { derived } from 'svelte/store';
import { websocketStore } from 'svelte-websocket-store';
import { url } from '../harness.mjs';
import { fromLast } from './from-last.mjs';

const store = websocketStore(url);

export const createFeed = () => fromLast(store);
/** It tells no status: only that something has come, from which one may guess. */
export const createStatus = () => derived(store, (last) => last !== undefined);
