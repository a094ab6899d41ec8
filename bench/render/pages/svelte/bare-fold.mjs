import { writable } from 'svelte/store';
import { initial, openFold } from '../harness.mjs';

const feed = writable(initial);
const status = writable('connecting');
openFold(feed.set, status.set);

export const createFeed = () => feed;
export const createStatus = () => status;
