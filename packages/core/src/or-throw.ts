import type { State } from './types.ts';

/**
 * The state, unless the socket has closed with a failure: that is thrown. A selector for an app that wants
 * what cannot be mended by trying again in an error boundary.
 * @throws TwoStageError the failure of a closed socket
 */
export function orThrow(state: State): State {
  if (state.status === 'closed' && state.failure) throw state.failure;
  return state;
}
