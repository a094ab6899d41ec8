/**
 * How often a client comes back to a server that accepts its socket and then drops it, next to other
 * libraries. README.md says how to read it. Usage: node storm.bench.mjs
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { bundle } from './bundle.mjs';
import { median } from './stats.mjs';
import { startServer } from './storm/server.mjs';
import { table } from './table.mjs';

const duration = 12_000;

/** Clients of each kind at once: what they do is up to chance. */
const count = 12;

const cases = {
  before: 'Dropped 20 ms after open, before the ack',
  after: 'Dropped 20 ms after the ack',
};

/**
 * The same two cases, connects / tokens: measured before, one client of each, by their defaults and
 * with automatic reconnection.
 */
const measured = [
  ['@azure/web-pubsub-client 1.1.0', '559 / 559', '560 / 1', '21 ms for ever'],
  ['@microsoft/signalr 10.0.11', '1 / 1', '524 / 524', '22 ms for ever'],
  ['home-assistant-js-websocket 9.7.0', '12 / -', '526 / -', '1.02 s, 23 ms'],
  ['phoenix 1.8.16', '376 / 376', 'knows no ack', '31 ms for ever'],
  ['@supabase/realtime-js 2.119.1', '12 / 12', 'knows no ack', '1.02 s for ever'],
  ['pusher-js 8.6.0', '12 / -', '-', '1.02 s for ever'],
  ['socket.io-client 4.8.4', '12 / 12', '11 / 11', '0.5 to 1.5 s for ever'],
  ['centrifuge 5.8.0', '5 / 1', '15 / 1', 'grow, 0.5 to 1 s for ever'],
  ['graphql-ws 6.4.2', '3 / 3', '5 / 5', 'grow, 1.3 to 4 s'],
];

// As in what was measured before. Node's own fires an `error` at such an end, and graphql-ws gives up.
globalThis.WebSocket = WebSocket;

const code = await bundle("export * from './storm/clients.mjs'");
const { clients } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
const server = await startServer();
const origin = `http://127.0.0.1:${server.port}`;

const running = [];
try {
  for (const when of Object.keys(cases)) {
    for (const [name, { kind, start }] of Object.entries(clients)) {
      for (let id = 0; id < count; id++) {
        const path = `/${kind}/${when}/${name}-${id}`;
        running.push({ name, when, path, ...start(origin, path) });
      }
    }
  }
  await sleep(duration);
  for (const client of running) {
    const { tokens, connects } = server.read(client.path);
    client.tokens = tokens;
    client.connects = connects.length;
    client.gaps = connects.slice(1).map((at, index) => (at - connects[index]) / 1000);
    client.wait = toSlowWait(client.getState?.(), connects.at(-1));
  }
} finally {
  for (const { close } of running) close();
  server.close();
}

for (const [when, title] of Object.entries(cases)) {
  const rows = Object.keys(clients).map((name) => {
    const some = running.filter((client) => client.name === name && client.when === when);
    return [
      name,
      spread(some.map(({ connects }) => connects)),
      spread(some.map(({ tokens }) => tokens)),
      toGaps(some.map(({ gaps }) => gaps)),
    ];
  });
  const header = [`${title}:`, 'connects', 'tokens', 'median gaps, s: 1st, 2nd, …'];
  console.log(`\n${table(header, rows)}`);
}
console.log(`\nIn ${duration / 1000} s, ${count} clients of each; least, median, most.
\nMeasured before, not run here:
\n${table(['', 'before the ack', 'after it', 'gaps'], measured)}\n`);
judge();
// Some wait out their delay although they were closed.
process.exit();

/** How long it waits after its last connection, in s, where it is because its credentials may be refused. */
function toSlowWait(state, lastAt) {
  if (state?.failure?.code !== 'init-dropped' || !state.retryAt) return 0;
  return (state.retryAt - performance.timeOrigin - lastAt) / 1000;
}

function spread(values) {
  return `${Math.min(...values)}, ${median(values)}, ${Math.max(...values)}`;
}

/** The median of the first gaps, of the second, and so on, where half of the clients have one. */
function toGaps(all) {
  const medians = [];
  for (let rank = 0; rank < 8; rank++) {
    const there = all.flatMap((gaps) => gaps[rank] ?? []);
    if (there.length * 2 < all.length) break;
    medians.push(median(there).toFixed(there[0] < 0.1 ? 3 : 1));
  }
  return medians.join(' ');
}

function judge() {
  const ours = running.filter(({ name }) => name === 'TwoStageSocket');
  const [before, after] = Object.keys(cases).map((when) =>
    ours.filter((client) => client.when === when),
  );
  const waits = before.map(({ wait }) => wait);
  const range = [Math.min(...waits), Math.max(...waits)].map((wait) => wait.toFixed(1)).join('..');
  const isTwice = before.every(({ connects, tokens }) => connects === 2 && tokens === 2);
  const isSlow = waits.every((wait) => wait >= 15 && wait < 31);
  const most = Math.max(...after.map(({ connects, tokens }) => Math.max(connects, tokens)));
  const rows = [
    ['before the ack: two connects and tokens', toVerdict(isTwice)],
    [`then a wait of 15 to 30 s: ${range}`, toVerdict(isSlow)],
    [`after it: at most 9 connects and tokens: ${most}`, toVerdict(most <= 9)],
  ];
  console.log(table(['TwoStageSocket', 'goal'], rows));
}

function toVerdict(isMet) {
  return isMet ? 'met' : 'missed';
}
