import { run } from './check.mjs';

process.env.CHAOS_FAULTS ??= '10000';
// Another each time: what one run does not try, the next may. The run prints it.
process.env.CHAOS_SEED ??= String(Math.floor(Math.random() * 2 ** 31));

if (!(Number(process.env.CHAOS_FAULTS) > 0 && Number(process.env.CHAOS_SEED) >= 0)) {
  console.error('CHAOS_FAULTS and CHAOS_SEED must be numbers.');
  process.exit(1);
}

const test = 'packages/core/src/chaos.test.ts';
const status = await run(['vitest', 'run', '--project', 'node', test], { stdio: 'inherit' });
process.exitCode = status ?? 1;
