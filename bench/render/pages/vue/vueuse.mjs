import { useWebSocket } from '@vueuse/core';
import { computed, inject, provide } from 'vue';
import { url, view } from '../harness.mjs';
import { fromLast } from './from-last.mjs';

const useOwn = () => useWebSocket(url);
const useShared = () => inject('socket');
const useSocket = view === 'shared' ? useShared : useOwn;

export const provideShared = () => provide('socket', useOwn());
export const createFeed = () => fromLast(parse(useSocket().data));
export const createStatus = () => useSocket().status;

const parse = (data) => computed(() => data.value && JSON.parse(data.value));
