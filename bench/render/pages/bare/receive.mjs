import { draw, fold, nothing, open } from '../harness.mjs';

/** Receives and folds every message, and draws only the last: what nobody can do without. */
export function start(lastId, show) {
  let state = nothing;
  open((message) => {
    state = fold(state, message);
    if (message.id === lastId) show(draw(state));
  });
}
