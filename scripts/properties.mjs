import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/**
 * Plays interleavings of all that can happen to a socket, each held to the laws of the model, on every
 * core. `--seed` and `--path`, as a finding prints them, play that one again.
 */
const portion = 5000;

const model = '../packages/core/src/testing/model.test.util.ts';

/** @typedef {{ law: string, seed: number, path: string, runs: number, script: string }} Finding */

if (isMainThread) await main();
else await work();

async function main() {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: String(Date.now() % 1e9) },
      path: { type: 'string' },
    },
  });
  // A path is one run, found again at once, or mended.
  const [runs, firstSeed] = [values.path ? 1 : Number(values.runs), Number(values.seed)];
  if (!(runs > 0 && firstSeed >= 0)) {
    console.error('--runs and --seed must be numbers.');
    process.exit(1);
  }
  const start = performance.now();
  let seed = firstSeed;
  let played = 0;
  /** @type {Finding | undefined} */
  let finding;

  const workers = Array.from({ length: availableParallelism() }, async () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { path: values.path } });
    /** @param {number} count */
    const play = async (count) => {
      worker.postMessage({ seed: seed++, count });
      const [found] = await once(worker, 'message');
      return found;
    };
    while (!finding && (seed - firstSeed) * portion < runs) {
      const count = Math.min(portion, runs - (seed - firstSeed) * portion);
      finding ??= await play(count);
      played += count;
    }
    await worker.terminate();
  });
  await Promise.all(workers);

  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  if (!finding) {
    console.log(`${played} interleavings in ${seconds} s, seeds ${firstSeed} to ${seed - 1}: fine`);
    return;
  }
  console.error(`${finding.law}, after ${finding.runs} runs:\n  ${finding.script}
Again: npm run properties -- --seed ${finding.seed} --path ${finding.path}`);
  process.exitCode = 1;
}

async function work() {
  // By its address: the checker would judge core's sources by what the scripts may use.
  const { search } = await import(new URL(model, import.meta.url).href);
  parentPort?.on('message', async ({ seed, count }) => {
    parentPort?.postMessage(await search(seed, count, workerData));
  });
}
