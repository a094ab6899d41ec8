/** Everybody comes back at once, to a server with and without a rate: README.md says how to read it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { table } from '../table.mjs';
import { clock } from './answers.mjs';
import { askAll, startClients, startServer } from './processes.mjs';
import { SECRET } from './two-stages.mjs';

const PROCESSES = 3;
/** Admissions a second; 0 for as many as come. */
const RATES = [100, 0];
/** A connection that lasted this long, in ms, was a good one: its client's retries start from the first. */
const STABLE_AFTER = 10_500;
/** The server lets a second's worth in at once, on top of the rate. */
const BURST = 1;

const settings = {
  JWT_SECRET: SECRET,
  FAULTS: '1',
  TOKENS_PER_MINUTE: '0',
  MAX_CONNECTIONS: '0',
  MAX_UNAUTHENTICATED: '0',
  INDIVIDUAL_EVERY: '0',
  BROADCAST_EVERY: '0',
};

/**
 * @param clients how many come back
 * @param profiles directory for the servers' CPU profiles, or `undefined`
 */
export async function overload({ clients = 1500, profiles }) {
  const share = Math.ceil(clients / PROCESSES);
  const results = [];
  for (const rate of RATES) results.push({ rate, ...(await cutOff(rate, share, profiles)) });
  console.log(`\n${report(results, share * PROCESSES)}\n\n${reportSeconds(results)}`);
}

async function cutOff(rate, share, profiles) {
  const server = await startServer('ours', { ...settings, ADMIT_RATE: String(rate) }, profiles);
  const clients = startClients('overload-clients.mjs', PROCESSES);
  try {
    const start = (client, index) => client.ask('start', server.address, `user-${index}`, share);
    await Promise.all(clients.map(start));
    await sleep(STABLE_AFTER);
    await askAll(clients, 'watch');
    await server.ask('watchDelays');
    const cutAt = clock();
    await killConnections(server.address);
    const records = await askAll(clients, 'back');
    const delays = await server.ask('delays');
    await askAll(clients, 'close');
    const since = (key) => records.flatMap((one) => one[key].map((at) => at - cutAt)).sort(byValue);
    return {
      admitted: since('admitted'),
      returns: since('returns'),
      refusals: records.flatMap((one) => one.refusals),
      delays,
    };
  } finally {
    await Promise.all([server, ...clients].map((one) => one.end()));
  }
}

async function killConnections({ origin }) {
  const response = await fetch(`${origin}/faults`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Connection: 'close' },
    body: JSON.stringify({ action: 'kill-connections' }),
  });
  if (!response.ok) throw new Error(`The fault switches answered ${response.status}`);
}

const byValue = (a, b) => a - b;

/** The most of these times, sorted, in ms, that lie within any one second. */
function peakOf(times) {
  let first = 0;
  let peak = 0;
  times.forEach((time, last) => {
    while (times[first] <= time - 1000) first++;
    peak = Math.max(peak, last - first + 1);
  });
  return peak;
}

/** A second, from the first of them to the last. */
function meanRate(times) {
  return ((times.length - 1) * 1000) / (times.at(-1) - times[0]);
}

function report(results, count) {
  const row = (title, toCell) => [title, ...results.map(toCell)];
  const backAt = (share) => (result) =>
    (result.returns[Math.ceil(share * count) - 1] / 1000).toFixed(1);
  const rows = [
    row('tokens a second: the most in any', ({ admitted }) => peakOf(admitted)),
    row('at most, by its rate and burst', ({ rate }) => (rate > 0 ? rate * (1 + BURST) : '')),
    row('from the first to the last, mean', ({ admitted }) => meanRate(admitted).toFixed(0)),
    row('tokens each', ({ admitted }) => (admitted.length / count).toFixed(3)),
    row('refusals each, mean', ({ refusals }) =>
      (refusals.reduce((sum, value) => sum + value, 0) / count).toFixed(2),
    ),
    row('refusals, the most of one', ({ refusals }) => Math.max(...refusals)),
    row('50 % ready again after, s', backAt(0.5)),
    row('90 %', backAt(0.9)),
    row('99 %', backAt(0.99)),
    row('all', backAt(1)),
    row('event loop delay, ms: median', ({ delays }) => delays.p50.toFixed(0)),
    row('99 %', ({ delays }) => delays.p99.toFixed(0)),
    row('the longest', ({ delays }) => delays.max.toFixed(0)),
  ];
  const header = results.map(({ rate }) => toTitle(rate));
  return table([`${count} clients cut off at once:`, ...header], rows);
}

/** How many tokens were given in each second since the cut, until the last. */
function reportSeconds(results) {
  const perSecond = results.map(({ admitted }) => {
    const counts = new Array(Math.ceil(admitted.at(-1) / 1000)).fill(0);
    for (const at of admitted) counts[Math.floor(at / 1000)]++;
    return counts;
  });
  const seconds = Array.from({ length: Math.max(...perSecond.map((counts) => counts.length)) });
  const rows = results.map(({ rate }, index) => [
    toTitle(rate),
    ...seconds.map((_, second) => perSecond[index][second] ?? ''),
  ]);
  return table(['Tokens in second', ...seconds.map((_, second) => second + 1)], rows);
}

function toTitle(rate) {
  return rate > 0 ? `ADMIT_RATE=${rate}` : 'no rate';
}
