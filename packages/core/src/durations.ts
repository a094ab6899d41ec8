/*
 * The client's own durations, in ms. Together, since a bundler puts the value in place of a constant only
 * where its module imports nothing.
 */

/** How long a socket outlives its last holder: a remount or a route change costs nothing. */
export const grace = 1000;

/** How often a socket whose buffer is full looks whether it has drained. */
export const drainInterval = 50;

/** The shortest interval that a server can ask for: of its pings, and of renewals by the life of a payload. */
export const minInterval = 1000;

/** How long a connection that may have died unseen has to answer. */
export const probeTimeout = 3000;

/** How late a timer may be before it says more about this machine than about the other side. */
export const tolerance = 1000;

/** How long before a payload's end the next one is asked for: from this up to twice this. */
export const renewalMargin = 30_000;

/** How long after a failure of the app's the next renewal comes at the soonest. */
export const renewalRetryInterval = 5000;

/** How long a doubt about the token in hand rules out another, unless a connection opens. */
export const doubtInterval = 60_000;

/**
 * How old a spare token grows at least before another takes its place: one that lives a second must not
 * be fetched each second.
 */
export const minSpareAge = 60_000;
