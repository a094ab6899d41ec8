import { build } from './build.mjs';
import { report } from './check.mjs';

const failures = (await build()).filter(({ ok }) => !ok);
if (failures.length > 0) {
  report(failures);
  console.error('The build failed, as said above: nothing was started.');
  process.exit(1);
}

// As `npm start` does.
process.env.FAULTS ??= '1';
process.env.LOG_LEVEL ??= 'error';

await import('./cluster/run.ts');
