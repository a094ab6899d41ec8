import { derived, writable } from 'svelte/store';
import { handle, view } from '../harness.mjs';

/** What an app makes of a store that holds the last message, or an array of them. */
export const fromLast = view === 'list' ? toList : toHandled;

function toHandled(store) {
  store.subscribe((last) => last && handle(last));
  return derived(store, (last) => ({ last }));
}

function toList(store) {
  const list = writable([]);
  store.subscribe((last) => last && list.update((list) => [...list, last]));
  return list;
}
