import { createContext, useContext, useEffect, useReducer, useState } from 'react';
import { initial, open, reducer, view } from '../harness.mjs';

const Socket = createContext(undefined);
const useShared = () => useContext(Socket);
const useSocket = view === 'shared' ? useShared : useOwn;

function useOwn() {
  const [feed, onMessage] = useReducer(reducer, initial);
  const [status, setStatus] = useState('connecting');
  useEffect(() => open(onMessage, setStatus), []);
  return { feed, status };
}

export function Provider({ children }) {
  return <Socket value={useOwn()}>{children}</Socket>;
}
export const useFeed = () => useSocket().feed;
export const useStatus = () => useSocket().status;
