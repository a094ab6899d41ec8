import { type Options, OptionsError, readOptions, USAGE } from './options.ts';
import { asTable } from './report.ts';
import { CannotRun, check } from './run.ts';

/** Ends the process because nothing could be judged. */
function giveUp(message: string): never {
  console.error(message);
  process.exit(2);
}

function optionsOrGiveUp(): Options {
  try {
    return readOptions(process.argv.slice(2), process.env);
  } catch (error) {
    if (error instanceof OptionsError) giveUp(`${error.message}\n\n${USAGE}`);
    throw error;
  }
}

if (process.argv.includes('--help')) {
  console.log(USAGE);
  process.exit(0);
}
const options = optionsOrGiveUp();
try {
  const report = await check(options);
  console.log(options.json ? JSON.stringify(report, undefined, 2) : asTable(report));
  process.exitCode = report.failed === 0 ? 0 : 1;
} catch (error) {
  if (error instanceof CannotRun) giveUp(error.message);
  throw error;
}
