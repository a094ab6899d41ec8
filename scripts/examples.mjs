import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from './build.mjs';
import { checkByTool, report, run } from './check.mjs';
import { publicPackages, root } from './workspaces.mjs';

// The examples whose frameworks are too large for everybody's installation. Each is installed by
// itself, from the packages as they would be published, in a folder that is gone afterwards.
const all = ['next', 'nuxt', 'sveltekit'];

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !all.includes(name));
if (unknown.length) {
  console.error(`No example ${unknown.join(', ')}: there are ${all.join(', ')}.`);
  process.exit(1);
}
const names = chosen.length ? chosen : all;

const folder = mkdtempSync(join(tmpdir(), 'two-stage-socket-examples-'));
// However it ends; an installation has some 300 MB.
process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const tarballs = join(folder, 'packages');
mkdirSync(tarballs);

must(await build());
must(await pack());
for (const name of names) must(await install(name));
must(await types());

Object.assign(process.env, {
  EXAMPLES: folder,
  EXAMPLE_NAMES: names.join(),
  NEXT_TELEMETRY_DISABLED: '1',
  NUXT_TELEMETRY_DISABLED: '1',
});
const args = ['--project', 'examples', '--allowOnly=false'];
process.exitCode = (await run(['vitest', 'run', ...args], { stdio: 'inherit' })) ?? 1;

async function pack() {
  const folders = publicPackages().map(({ folder }) => folder);
  return [await checkByTool('pack', ['npm', 'pack', '--pack-destination', tarballs, ...folders])];
}

/**
 * Copies an example and installs it.
 *
 * @param {string} name
 */
async function install(name) {
  const own = join(folder, name);
  cpSync(join(root, 'examples', name), own, {
    recursive: true,
    filter: (path) => !['node_modules', '.next', '.nuxt', '.output'].includes(basename(path)),
  });
  const file = join(own, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  for (const { name: short, manifest: ours } of publicPackages()) {
    // Core as well, which npm would look for in the registry.
    if (short !== 'core' && !(ours.name in manifest.dependencies)) continue;
    const tarball = `two-stage-socket-${short}-${ours.version}.tgz`;
    manifest.dependencies[ours.name] = `file:${join(tarballs, tarball)}`;
  }
  writeFileSync(file, JSON.stringify(manifest));
  const args = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  return [await checkByTool(`install ${name}`, ['npm', 'install', ...args], own)];
}

/** What the frameworks' own checkers say; Next has its build say it. */
async function types() {
  const checked = names.filter((name) => name !== 'next');
  const checks = [];
  for (const name of checked) {
    const command = ['npm', 'run', '--silent', 'types'];
    checks.push(await checkByTool(`types of ${name}`, command, join(folder, name)));
  }
  return checks;
}

/** @param {import('./check.mjs').Check[]} checks */
function must(checks) {
  report(checks);
  if (checks.some(({ ok }) => !ok)) process.exit(1);
}
