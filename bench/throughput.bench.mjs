/**
 * What receiving a message costs through TwoStageSocket, next to a bare WebSocket with `JSON.parse`, in
 * Node and in Chromium. README.md says how to read it. Usage: node throughput.bench.mjs
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { findChromium } from '../scripts/chromium.mjs';
import { bundle } from './bundle.mjs';
import { median, medianBounds, ratios, shuffled } from './stats.mjs';
import { table } from './table.mjs';
import { launchChromium } from './throughput/in-chromium.mjs';
import { openNode } from './throughput/in-node.mjs';
import { sizes } from './throughput/messages.mjs';

const goal = 0.95;
const bareOriginal = 'bare WebSocket, original wire';
const bareV1 = 'bare WebSocket, two-stage.v1';

/** Each client, and the bare one that it is compared with: that on the same wire. */
const comparisons = [
  [bareOriginal, bareOriginal],
  ['TwoStageSocket, original wire', bareOriginal],
  ['reconnecting-websocket', bareOriginal],
  ['partysocket', bareOriginal],
  [bareV1, bareV1],
  ['TwoStageSocket, two-stage.v1', bareV1],
];
const clients = comparisons.map(([client]) => client);

/** A fresh process or page for each: where one happens to place code and memory costs some percent. */
const sessions = 3;
const rounds = 50;
/** Of all rounds of a place and a size, in ms: on a slow machine there are fewer. */
const budget = 15_000;

const server = fork(fileURLToPath(new URL('./throughput/server.mjs', import.meta.url)));
const [port] = await once(server, 'message');
const origin = `http://127.0.0.1:${port}`;
const code = await bundle("export * from './throughput/receive.mjs'");
const chromiumPath = await findChromium();
const chromium = chromiumPath && (await launchChromium(chromiumPath));

try {
  await bench('Node', () => openNode(code, origin), 2_000);
  if (chromium) await bench('Chromium', () => chromium.openPage(code, origin), 500);
  else console.log('\nNo Chromium found: set CHROMIUM_PATH to one.');
} finally {
  await chromium?.close();
  server.disconnect();
}

async function bench(place, open, count) {
  for (const [size, bytes] of Object.entries(sizes)) {
    const results = await measure(open, bytes, count);
    console.log(
      `\nReceiving messages of ${size} in ${place}, ${results.rounds} rounds of ${count}\n`,
    );
    console.log(report(results.times, count));
  }
}

/** The times of each client, round by round, in an order that is drawn anew for each round. */
async function measure(open, bytes, count) {
  const times = Object.fromEntries(clients.map((client) => [client, []]));
  const end = performance.now() + budget;
  let round = 0;
  for (let session = 1; session <= sessions; session++) {
    const host = await open();
    for (const client of clients) {
      await host.open(client, bytes, count);
      await host.receive(client); // to warm up
    }
    const sessionEnd = end - (budget / sessions) * (sessions - session);
    for (let i = 0; i < rounds && (i === 0 || performance.now() < sessionEnd); i++, round++) {
      for (const client of shuffled(clients)) {
        times[client].push(await host.receive(client));
      }
    }
    await host.close();
  }
  return { times, rounds: round };
}

function report(times, count) {
  const get = (client, key) => times[client].map((time) => time[key]);
  const micros = (client, key) => ((median(get(client, key)) / count) * 1000).toFixed(2);
  const rows = comparisons.map(([client, base]) => {
    const [wall, cpu] = ['wall', 'cpu'].map((key) => ratios(get(base, key), get(client, key)));
    const compared = client !== base;
    return [
      client,
      micros(client, 'wall'),
      micros(client, 'cpu'),
      ...(compared ? [...show(wall), ...show(cpu)] : ['1', '', '', '1', '', '']),
      compared && client.startsWith('TwoStageSocket') ? verdict(cpu) : '',
    ];
  });
  const header = ['µs a message:', 'wall', 'cpu', 'speed by wall', '95 % sure', 'min..max'];
  const envelope = median(ratios(get(bareOriginal, 'cpu'), get(bareV1, 'cpu'))).toFixed(2);
  return `${table([...header, 'speed by cpu', '95 % sure', 'min..max', `goal ${goal}`], rows)}
The envelope by itself, bare two-stage.v1 against the bare original wire, by cpu: ${envelope}`;
}

function show(sorted) {
  const range = ([low, high]) => `${low.toFixed(2)}..${high.toFixed(2)}`;
  return [
    median(sorted).toFixed(2),
    range(medianBounds(sorted)),
    range([sorted[0], sorted.at(-1)]),
  ];
}

function verdict(sorted) {
  const [low, high] = medianBounds(sorted);
  if (low < goal && goal <= high) return `${median(sorted) >= goal ? 'met' : 'missed'}, not surely`;
  return low >= goal ? 'met' : 'missed';
}
