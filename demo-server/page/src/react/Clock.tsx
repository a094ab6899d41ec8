import { clock } from '../clock.ts';
import { formatSeconds } from '../format.ts';
import { useStore } from './useStore.ts';

/** Counts up from a moment, or down to one. */
export function Clock({
  since,
  until,
}: {
  since?: number | undefined;
  until?: number | undefined;
}) {
  const time = useStore(clock);
  return <time>{formatSeconds(until === undefined ? time - (since ?? time) : until - time)}</time>;
}
