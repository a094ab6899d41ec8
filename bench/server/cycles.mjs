/** Connections that come and go, and what they leave behind: README.md says how to read it. */
import { existsSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { table } from '../table.mjs';
import { clock } from './answers.mjs';
import { askAll, startClients, startServer } from './processes.mjs';
import { SECRET } from './two-stages.mjs';

const PROCESSES = 2;
const USERS = 200;
const MARKS = 5;
/** How long tokens live, in ms: long enough to be used, over soon after. */
const TOKEN_EXPIRES_IN = 2000;
/** How long a server may take until it has noticed that everybody is gone, in ms. */
const PATIENCE = 20_000;

const settings = {
  JWT_SECRET: SECRET,
  TOKEN_EXPIRES_IN: String(TOKEN_EXPIRES_IN),
  TOKENS_PER_MINUTE: '0',
  MAX_CONNECTIONS: '0',
  MAX_UNAUTHENTICATED: '0',
  INDIVIDUAL_EVERY: '1000',
  BROADCAST_EVERY: '1000',
};

/** What may have come on top between the first mark and the last. */
const allowed = { heap: 1024 ** 2, rss: 16 * 1024 ** 2, files: 0, resources: 0 };

/**
 * Sets the exit status to 1 when the server kept something.
 *
 * @param cycles of all ways together
 * @param profiles directory for the server's CPU profile, or `undefined`
 */
export async function cycles({ cycles: count = 100_000, profiles }) {
  const server = await startServer('ours', settings, profiles);
  const clients = startClients('cycles-clients.mjs', PROCESSES);
  const marks = [];
  try {
    await Promise.all(
      clients.map((client, index) => client.ask('prepare', `user-${index}`, USERS)),
    );
    console.log(`In turn: ${(await clients[0].ask('ways')).join(', ')}.`);
    const share = Math.ceil(count / PROCESSES / MARKS);
    for (let mark = 1; mark <= MARKS; mark++) {
      const begin = clock();
      await askAll(clients, 'run', server.address, share * (mark - 1), share);
      const seconds = (clock() - begin) / 1000;
      const total = share * PROCESSES * mark;
      marks.push({
        total,
        rate: (share * PROCESSES) / seconds,
        ...(await look(server, clients[0])),
      });
    }
  } finally {
    await Promise.all([server, ...clients].map((one) => one.end()));
  }
  console.log(`\n${reportMarks(marks)}\n\n${judge(marks)}`);
}

/** What the server holds, once it had the time to notice that everybody is gone. */
async function look(server, client) {
  const deadline = clock() + PATIENCE;
  await sleep(TOKEN_EXPIRES_IN);
  await client.ask('mint', server.address);
  let health;
  do {
    if (health !== undefined) await sleep(200);
    health = await client.ask('health', server.address);
  } while (clock() < deadline && health.ready + health.unauthenticated > 0);

  const { rss, heapUsed, external, resources } = await server.ask('holdings');
  const files = `/proc/${server.pid}/fd`;
  return {
    rss,
    heap: heapUsed + external,
    connections: health.ready + health.unauthenticated,
    files: existsSync(files) ? readdirSync(files).length : undefined,
    resources,
  };
}

const countOf = (resources) => Object.values(resources).reduce((sum, count) => sum + count, 0);

const toMebibytes = (bytes) => (bytes / 1024 ** 2).toFixed(2);

function reportMarks(marks) {
  const rows = marks.map(({ total, rate, rss, heap, connections, files, resources }) => [
    total,
    rate.toFixed(0),
    connections,
    toMebibytes(heap),
    toMebibytes(rss),
    files ?? 'not known',
    countOf(resources),
  ]);
  const header = [
    'Cycles:',
    'a second',
    'connections',
    'heap, MiB',
    'RSS, MiB',
    'files',
    'resources',
  ];
  return table(header, rows);
}

function judge(marks) {
  const first = marks[0];
  const last = marks.at(-1);
  const plain = (value) => value;
  const kinds = new Set([first, last].flatMap(({ resources }) => Object.keys(resources)));
  const checks = [
    ['connections that nobody has', last.connections, 0, plain],
    ['heap and buffers, MiB', last.heap - first.heap, allowed.heap, toMebibytes],
    ['RSS, MiB', last.rss - first.rss, allowed.rss, toMebibytes],
    ...(first.files === undefined
      ? []
      : [['files', last.files - first.files, allowed.files, plain]]),
    ...[...kinds].map((kind) => [
      `resources: ${kind}`,
      (last.resources[kind] ?? 0) - (first.resources[kind] ?? 0),
      allowed.resources,
      plain,
    ]),
  ];
  if (checks.some(([, growth, most]) => growth > most)) process.exitCode = 1;
  const rows = checks.map(([title, growth, most, show]) => [
    title,
    show(growth),
    show(most),
    growth > most ? 'kept' : '',
  ]);
  return table(['From the first mark to the last:', 'more', 'at most', ''], rows);
}
