import { createSubscriber } from 'svelte/reactivity';
import type { Store } from '../store.ts';

export function useStore<T>(store: Store<T>): { readonly current: T } {
  const track = createSubscriber((update) => store.subscribe(update));
  return {
    get current() {
      track();
      return store.getSnapshot();
    },
  };
}
