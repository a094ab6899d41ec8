import { inject, provide, ref } from 'vue';
import { open, view } from '../harness.mjs';
import { fromLast } from './from-last.mjs';

function useOwn() {
  const last = ref();
  const status = ref('connecting');
  open(
    (message) => {
      last.value = message;
    },
    (next) => {
      status.value = next;
    },
  );
  return { last, status };
}
const useShared = () => inject('socket');
const useSocket = view === 'shared' ? useShared : useOwn;

export const provideShared = () => provide('socket', useOwn());
export const createFeed = () => fromLast(useSocket().last);
export const createStatus = () => useSocket().status;
