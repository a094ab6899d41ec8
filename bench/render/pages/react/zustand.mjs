import { create } from 'zustand';
import { initial, open, reducer } from '../harness.mjs';

const useStore = create(() => ({ feed: initial, status: 'connecting' }));
open(
  (message) => useStore.setState(({ feed }) => ({ feed: reducer(feed, message) })),
  (status) => useStore.setState({ status }),
);

export const useFeed = () => useStore(({ feed }) => feed);
export const useStatus = () => useStore(({ status }) => status);
