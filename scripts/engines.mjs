import { build } from './build.mjs';
import { report as show } from './check.mjs';
import { engineTable } from './engine-table.mjs';
import { vitest } from './vitest.mjs';

// Others can be chosen by name, such as ENGINES=firefox.
process.env.ENGINES ||= 'chromium,firefox,webkit';

const built = await build();
show(built);
if (!built.every(({ ok }) => ok)) process.exit(1);

const { report, status } = await vitest('e2e', ['e2e/stages.e2e.ts', 'e2e/engines/']);
console.log(report ? `\n${engineTable(report)}` : '\nThe run died before it wrote its report.');
process.exitCode = report && status === 0 ? 0 : 1;
