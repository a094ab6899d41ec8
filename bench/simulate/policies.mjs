/**
 * A policy makes, for `count` clients, what tells how long one waits after a failure, in ms, or `undefined`
 * for never again. A failure is one of `failures`, and what the server said with it.
 */
import {
  appFacts,
  closeFacts,
  isRetryable,
  nextDelay,
  noHistory,
  record,
  toSettings,
} from './source.mjs';

/** What can happen to a client, as core classifies it, by what the server said of when to come back. */
export const failures = {
  lost: () => ({ stage: 'ready', ...closeFacts('ready', 1006, '') }),
  /** Nobody listens, or the upgrade is refused: a browser cannot tell them apart. */
  unreachable: () => ({ stage: 'connect', ...closeFacts('connect', 1006, '') }),
  /** Accepted, and closed at once with a slot. */
  busy: (ms) => ({ stage: 'init', ...closeFacts('init', 1013, `retry-after=${Math.ceil(ms)}`) }),
  /** The token route answers with a slot. */
  gated: (ms) => ({
    stage: 'token',
    ...appFacts('token-failed', { status: 503, retryAfter: Math.ceil(ms) }),
  }),
};

const { retry } = toSettings({ url: '/' });

/** The decisions of core, one after the other as its client makes them. */
export function twoStage(count, random) {
  const histories = new Array(count).fill(noHistory);
  return (client, failure) => {
    const history = histories[client];
    histories[client] = record(history, failure);
    const error = { ...failure, retryable: isRetryable(failure, history) };
    return nextDelay(error, history, retry, random());
  };
}

/** A delay that depends on nothing but the tries in a row before, from 0, and on chance. */
const byTries = (toDelay) => (count, random) => {
  const tries = new Uint16Array(count);
  return (client) => toDelay(tries[client]++, random);
};

const steps =
  (...delays) =>
  (tries) =>
    delays[Math.min(tries, delays.length - 1)];

/** The defaults of other libraries, as their source has them. None heeds what a server says. */
export const peers = {
  'centrifuge 5.8.0': byTries((tries, random) => {
    const spread = Math.min(20_000, 500 * 2 ** tries);
    return Math.min(20_000, 500 + Math.floor(random() * (spread + 1)));
  }),
  'reconnecting-websocket 4.4.0': (count, random) => {
    // Drawn once for each page.
    const least = Float64Array.from({ length: count }, () => 1000 + random() * 4000);
    const tries = new Uint16Array(count);
    return (client) => Math.min(10_000, least[client] * 1.3 ** tries[client]++);
  },
  'socket.io-client 4.8.4': byTries((tries, random) => {
    const delay = 1000 * 2 ** tries;
    const drawn = random();
    const deviation = Math.floor(drawn * 0.5 * delay);
    const isLess = (Math.floor(drawn * 10) & 1) === 0;
    return Math.min(5000, isLess ? delay - deviation : delay + deviation);
  }),
  'partysocket 1.3.0': byTries((tries) => Math.min(10_000, 3000 * 1.3 ** tries)),
  'phoenix 1.8.16': byTries(steps(10, 50, 100, 150, 200, 250, 500, 1000, 2000, 5000)),
  // The error of an attempt that fails comes before its close, and ends the client.
  'graphql-ws 6.4.2': byTries((tries, random) =>
    tries ? undefined : 1000 + 300 + Math.floor(random() * 2700),
  ),
};
