import { useSyncExternalStore } from 'react';
import { initial, openFold } from '../harness.mjs';

const feed = createStore(initial);
const status = createStore('connecting');
openFold(feed.set, status.set);

export const useFeed = () => useSyncExternalStore(feed.subscribe, feed.get);
export const useStatus = () => useSyncExternalStore(status.subscribe, status.get);

function createStore(value) {
  const listeners = new Set();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
