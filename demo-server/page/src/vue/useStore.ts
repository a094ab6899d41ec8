import { onScopeDispose, type ShallowRef, shallowReadonly, shallowRef } from 'vue';
import type { Store } from '../store.ts';

export function useStore<T>(store: Store<T>): Readonly<ShallowRef<T>> {
  const value = shallowRef(store.getSnapshot());
  onScopeDispose(
    store.subscribe(() => {
      value.value = store.getSnapshot();
    }),
  );
  return shallowReadonly(value);
}
