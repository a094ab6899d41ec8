import { shallowRef } from 'vue';
import { initial, openFold } from '../harness.mjs';

const feed = shallowRef(initial);
const status = shallowRef('connecting');
openFold(
  (value) => {
    feed.value = value;
  },
  (value) => {
    status.value = value;
  },
);

export const createFeed = () => feed;
export const createStatus = () => status;
