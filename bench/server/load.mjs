/** Many connections, next to a bare `ws` server with as many: README.md says how to read it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { median, medianBounds, shuffled } from '../stats.mjs';
import { table } from '../table.mjs';
import { clock } from './answers.mjs';
import { openFiles } from './machine.mjs';
import { ON_DEMAND } from './on-demand.mjs';
import { askAll, startClients, startServer } from './processes.mjs';
import { SECRET } from './two-stages.mjs';

const PROCESSES = 2;
/** Made and dropped before anything is measured: code gets compiled, the heap finds its size. */
const WARM_UP = 1000;
/** Files that a process needs besides its connections. */
const SPARE_FILES = 500;

/** Broadcasts whose latency is measured, and the ms between them. */
const timed = { count: 10, pause: 300 };
/** Broadcasts in a row, as fast as they go. */
const burst = { count: 10, pause: 0 };
/** Bursts of each server in a session, in turn. */
const BURSTS = 9;

const goals = { throughput: 0.9, memory: 1.3 };

const settings = {
  JWT_SECRET: SECRET,
  BROADCAST_EVERY: String(ON_DEMAND),
  INDIVIDUAL_EVERY: '0',
  HEARTBEAT: '0',
  TOKENS_PER_MINUTE: '0',
  MAX_CONNECTIONS: '0',
  MAX_UNAUTHENTICATED: '0',
};

/**
 * @param connections to each server
 * @param sessions fresh servers each time
 * @param profiles directory for the servers' CPU profiles, or `undefined`
 */
export async function load({ connections: wanted = 10_000, sessions = 3, profiles }) {
  const connections = Math.min(wanted, openFiles - SPARE_FILES);
  if (connections < wanted) {
    console.log(`A process may open ${openFiles} files here: ${connections} connections.`);
  }
  const share = Math.floor(connections / PROCESSES);
  const clients = startClients('load-clients.mjs', PROCESSES);
  const results = { ours: [], bare: [] };
  try {
    await Promise.all(
      clients.map((client, index) => client.ask('prepare', `user-${index}`, share)),
    );
    for (let session = 0; session < sessions; session++) {
      const order = session % 2 === 0 ? ['ours', 'bare'] : ['bare', 'ours'];
      const measured = await runSession(order, clients, share, profiles);
      for (const name of order) results[name].push(measured[name]);
    }
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
  console.log(`\n${report(results, share * PROCESSES)}`);
}

async function runSession(order, clients, share, profiles) {
  const servers = [];
  const results = {};
  try {
    for (const name of order) {
      const server = await startServer(name, settings, profiles);
      servers.push(server);
      results[name] = { ...(await connect(server, clients, share)), bursts: [] };
    }
    for (const server of servers) {
      results[server.address.name].latencies = await measureLatencies(server, clients);
    }
    for (let i = 0; i < BURSTS; i++) {
      for (const server of shuffled(servers)) {
        results[server.address.name].bursts.push(await measureBurst(server, clients, share));
      }
    }
    for (const { address } of servers) await askAll(clients, 'drop', address.name);
  } finally {
    await Promise.all(servers.map((server) => server.end()));
  }
  return results;
}

/** How fast connections get ready, and what each costs. */
async function connect(server, clients, share) {
  const { address } = server;
  const warmUp = Math.min(Math.ceil(WARM_UP / clients.length), share);
  await askAll(clients, 'connect', address, warmUp);
  await askAll(clients, 'drop', address.name);
  await sleep(500);

  const before = await server.ask('holdings');
  const cpuBefore = await server.ask('cpu');
  const begin = clock();
  const ends = await askAll(clients, 'connect', address, share);
  const seconds = (Math.max(...ends) - begin) / 1000;
  const cpu = (await server.ask('cpu')) - cpuBefore;
  const after = await server.ask('holdings');

  const count = share * clients.length;
  const each = (key) => (after[key] - before[key]) / count;
  return {
    accepts: count / seconds,
    acceptCpu: cpu / count,
    rss: each('rss'),
    heap: each('heapUsed') + each('external'),
  };
}

/** ms from the beginning of a broadcast to each of its receivers, sorted. */
async function measureLatencies(server, clients) {
  const { count, pause } = timed;
  await askAll(clients, 'expect', server.address.name, count, true);
  const begins = await server.ask('broadcast', count, pause);
  const received = await askAll(clients, 'received', server.address.name);
  const rows = received.flatMap(({ times }) => times);
  return Float64Array.from(
    rows.flatMap((row) => Array.from(row, (at, index) => at - begins[index])),
  ).sort();
}

/** Frames a second of the server's CPU, and of the wall clock. */
async function measureBurst(server, clients, share) {
  const { count, pause } = burst;
  await askAll(clients, 'expect', server.address.name, count, false);
  const cpuBefore = await server.ask('cpu');
  const [begin] = await server.ask('broadcast', count, pause);
  const received = await askAll(clients, 'received', server.address.name);
  const cpu = (await server.ask('cpu')) - cpuBefore;
  const wall = Math.max(...received.map(({ at }) => at)) - begin;
  const frames = count * share * clients.length;
  return { perCpu: (frames * 1000) / cpu, perWall: (frames * 1000) / wall };
}

function report({ ours, bare }, connections) {
  const at = (share) => (result) =>
    result.latencies[Math.ceil(share * result.latencies.length) - 1];
  const burstsOf = (results, key) => results.flatMap(({ bursts }) => bursts.map((one) => one[key]));
  const row = (title, a, b, digits, verdict = () => '') => {
    const ratios = a.map((value, index) => value / b[index]).sort((x, y) => x - y);
    return [title, spread(a, digits), spread(b, digits), spread(ratios, 2), verdict(ratios)];
  };
  const simple = (title, get, ...rest) => row(title, ours.map(get), bare.map(get), ...rest);
  const bursts = (title, key, ...rest) =>
    row(title, burstsOf(ours, key), burstsOf(bare, key), ...rest);
  const atLeast = (goal) => (ratios) =>
    `at least ${goal}: ${judge(ratios, (ratio) => ratio >= goal)}`;
  const atMost = (goal) => (ratios) =>
    `at most ${goal}: ${judge(ratios, (ratio) => ratio <= goal)}`;

  const rows = [
    simple('ready a second, of the wall', (one) => one.accepts, 0),
    simple('ms of server CPU to get ready', (one) => one.acceptCpu, 3),
    simple('bytes each, RSS', (one) => one.rss, 0, atMost(goals.memory)),
    simple('bytes each, heap and buffers', (one) => one.heap, 0),
    simple('broadcast latency, ms: median', at(0.5), 0),
    simple('broadcast latency, ms: 99 %', at(0.99), 0),
    bursts('frames a second of server CPU', 'perCpu', 0, atLeast(goals.throughput)),
    bursts('frames a second of the wall', 'perWall', 0),
  ];
  const header = [
    `${connections} connections, median (min..max):`,
    'reference server',
    'bare ws',
    'ratio',
    'goal',
  ];
  return table(header, rows);
}

/** By the median, and whether that is sure, 19 times of 20. */
function judge(sorted, isMet) {
  const verdict = isMet(median(sorted)) ? 'met' : 'missed';
  const isSure = medianBounds(sorted).every((bound) => isMet(bound) === isMet(median(sorted)));
  return isSure ? verdict : `${verdict}, not surely`;
}

function spread(values, digits) {
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map(
    (value) => value.toFixed(digits),
  );
  return `${middle} (${least}..${most})`;
}
