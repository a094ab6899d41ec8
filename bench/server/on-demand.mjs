/**
 * The interval, in ms, of a timer that `hook.mjs` takes hold of, so that a bench fires it when it likes:
 * set as BROADCAST_EVERY, it leaves a server in peace until it is asked to broadcast.
 */
export const ON_DEMAND = 2 ** 31 - 2;
