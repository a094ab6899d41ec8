import type { State } from './types.ts';

/**
 * The state, unless the socket has closed with a failure: that is thrown. A selector for an app that wants
 * what cannot be mended by trying again in an error boundary. A shared socket stays closed until `connect` or
 * `reconnect`: whoever resets the boundary calls one. For what is rendered: Vue lets no `watch` throw.
 * @throws TwoStageError the failure of a closed socket
 */
export function orThrow(state: State): State {
  if (state.status === 'closed' && state.failure) throw state.failure;
  return state;
}
