import { writable } from 'svelte/store';
import { open } from '../harness.mjs';
import { fromLast } from './from-last.mjs';

const last = writable();
const status = writable('connecting');
open(last.set, status.set);

export const createFeed = () => fromLast(last);
export const createStatus = () => status;
