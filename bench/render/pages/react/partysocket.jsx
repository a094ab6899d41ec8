import { useWebSocket } from 'partysocket/react';
import { createContext, useContext, useState } from 'react';
import { unpack, url, view } from '../harness.mjs';
import { useFromLast } from './from-last.mjs';

const Socket = createContext(undefined);
const useShared = () => useContext(Socket);
const useSocket = view === 'shared' ? useShared : useOwn;

function useOwn() {
  const [last, setLast] = useState();
  const socket = useWebSocket(url, undefined, {
    onMessage({ data }) {
      for (const message of unpack(data)) setLast(message);
    },
  });
  return { last, status: socket.readyState };
}

export function Provider({ children }) {
  return <Socket value={useOwn()}>{children}</Socket>;
}
export const useFeed = () => useFromLast(useSocket().last);
export const useStatus = () => useSocket().status;
