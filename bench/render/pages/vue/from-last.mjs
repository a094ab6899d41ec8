import { computed, ref, watch } from 'vue';
import { handle, view } from '../harness.mjs';

/** What an app makes of a ref that holds the last message, or an array of them. */
export const fromLast = view === 'list' ? toList : toHandled;

function toHandled(last) {
  watch(last, handle);
  return computed(() => ({ last: last.value }));
}

function toList(last) {
  const list = ref([]);
  watch(last, (message) => list.value.push(message));
  return list;
}
