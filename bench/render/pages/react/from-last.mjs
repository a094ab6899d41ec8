import { useEffect, useState } from 'react';
import { handle, view } from '../harness.mjs';

/** What an app makes of a state that holds the last message, or an array of them. */
export const useFromLast = view === 'list' ? useAppended : useHandled;

function useHandled(last) {
  useEffect(() => {
    if (last) handle(last);
  }, [last]);
  return { last };
}

function useAppended(last) {
  const [list, setList] = useState([]);
  useEffect(() => {
    if (last) setList((list) => [...list, last]);
  }, [last]);
  return list;
}
