import { build } from './build.mjs';
import { report } from './check.mjs';

/** Builds the page of the demo and makes the settings its own, or ends the process and says why. */
export async function prepareDemo() {
  const failures = (await build()).filter(({ ok }) => !ok);
  if (failures.length > 0) {
    report(failures);
    console.error('The build failed, as said above: nothing was started.');
    process.exit(1);
  }
  // The demo's switches for making things go wrong; off in any other server.
  process.env.FAULTS ??= '1';
  // Its log would bury the address.
  process.env.LOG_LEVEL ??= 'error';
}
