/**
 * How many round trips it takes to become ready, and to come back after a loss, next to the libraries
 * that authenticate a socket too. README.md says how to read it. Usage: node round-trips.bench.mjs
 */
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { bundle } from './bundle.mjs';
import { openLine } from './round-trips/line.mjs';
import { startServer } from './round-trips/server.mjs';
import { median, shuffled } from './stats.mjs';
import { table } from './table.mjs';

const roundTrip = 100;
const rounds = 7;

/** How long to leave a client alone that is ready or closed: a spare token takes a round trip. */
const settling = 2.5 * roundTrip;

/** Longer than this, in ms, nothing takes that works. */
const patience = 5000;

const goals = {
  start: {
    'TwoStageSocket, original wire': 3,
    'TwoStageSocket, two-stage.v1': 3,
    'TwoStageSocket, prefetch': 3,
    'TwoStageSocket, reusable token': 3,
  },
  drop: {
    'TwoStageSocket, original wire': 3,
    'TwoStageSocket, two-stage.v1': 3,
    'TwoStageSocket, prefetch': 2,
    'TwoStageSocket, reusable token': 2,
  },
};

// An older Node has none; which one it is costs no round trip.
globalThis.WebSocket ??= WebSocket;

const code = await bundle("export * from './round-trips/clients.mjs'");
const { clients } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
const names = Object.keys(clients);
const server = await startServer();
const line = await openLine(server.port, roundTrip / 2);
const origin = `http://127.0.0.1:${line.port}`;

try {
  // What is loaded and compiled at its first use, and connections for HTTP that are kept from then on.
  for (const name of names) await measure(name);

  const results = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of shuffled(names)) results[name].push(await measure(name));
  }
  for (const from of ['start', 'drop']) {
    console.log(`\nFrom ${from} to ready, ${rounds} times, ${roundTrip} ms a round trip\n`);
    console.log(report(from, results));
  }
  console.log(`\n${summary(results)}`);
} finally {
  line.close();
  server.close();
}

/** Lets one client start, lose its connection and come back. */
async function measure(name) {
  const events = new EventEmitter();
  const ready = async () => {
    const [seen] = await once(events, 'ready', { signal: AbortSignal.timeout(patience) });
    return seen;
  };
  const onReady = () => events.emit('ready', { ...line.read(), readyAt: performance.now() });

  line.watch();
  const startedAt = performance.now();
  const close = clients[name](origin, onReady);
  try {
    const start = await ready();
    await sleep(settling);
    line.watch();
    server.drop();
    const drop = await ready();
    return {
      start: { ...start, time: start.readyAt - startedAt },
      drop: { ...drop, time: drop.readyAt - drop.firstAt },
    };
  } catch (error) {
    throw new Error(`${name} did not become ready`, { cause: error });
  } finally {
    close();
    await sleep(settling);
  }
}

function report(from, results) {
  const rows = names.map((name) => {
    const runs = results[name].map((result) => result[from]);
    const times = runs.map(({ time }) => time);
    const ms = median(times);
    const [least, most] = bounds(runs.map(({ trips }) => trips));
    return [
      name,
      ms.toFixed(0),
      bounds(times.map(Math.round)).join('..'),
      (ms / roundTrip).toFixed(2),
      least === most ? most : `${least}..${most}`,
      verdict(goals[from][name], runs),
      [...new Set(runs.map(({ asked }) => toWords(asked)))].join(' or '),
    ];
  });
  return table(['', 'ms', 'min..max', 'ms / 100', 'round trips', 'goal', 'in order'], rows);
}

function bounds(values) {
  return [Math.min(...values), Math.max(...values)];
}

function toWords(asked) {
  return asked.map((steps) => steps.sort().join(' + ')).join(', ');
}

/** By the count of every run, and by the shortest: the machine can only have lengthened the others. */
function needed(runs) {
  const [, trips] = bounds(runs.map((run) => run.trips));
  const [shortest] = bounds(runs.map(({ time }) => time));
  return Math.max(trips, Math.round(shortest / roundTrip));
}

function verdict(goal, runs) {
  return goal ? `${goal}: ${toVerdict(needed(runs) <= goal)}` : '';
}

function summary(results) {
  const runs = (name, from) => results[name].map((result) => result[from]);
  const [ours, spare] = ['TwoStageSocket, two-stage.v1', 'TwoStageSocket, prefetch'];
  const cold = needed(runs(ours, 'start'));
  const back = needed(runs(spare, 'drop'));
  // Its best run, so that a slow machine does not speak for ours.
  const [theirs] = bounds(runs('graphql-ws', 'start').map(({ trips }) => trips));
  const isMet = cold <= goals.start[ours] && cold < theirs && back <= goals.drop[spare];
  return `${cold} round trips cold where graphql-ws needs ${theirs}; ${back} to come back with a prefetched token: ${toVerdict(isMet)}`;
}

function toVerdict(isMet) {
  return isMet ? 'met' : 'missed';
}
