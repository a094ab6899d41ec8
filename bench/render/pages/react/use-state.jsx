import { createContext, useContext, useEffect, useState } from 'react';
import { open, view } from '../harness.mjs';
import { useFromLast } from './from-last.mjs';

const Socket = createContext(undefined);
const useShared = () => useContext(Socket);
const useSocket = view === 'shared' ? useShared : useOwn;

function useOwn() {
  const [last, setLast] = useState();
  const [status, setStatus] = useState('connecting');
  useEffect(() => open(setLast, setStatus), []);
  return { last, status };
}

export function Provider({ children }) {
  return <Socket value={useOwn()}>{children}</Socket>;
}
export const useFeed = () => useFromLast(useSocket().last);
export const useStatus = () => useSocket().status;
