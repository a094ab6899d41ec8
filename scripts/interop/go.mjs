import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../command.mjs';
import { root } from '../workspaces.mjs';
import { cache } from './installation.mjs';

const natsVersion = 'v2.15.2';

/** What a test that cannot run without a program in Go says, and how to get it. */
export const noCentrifuge =
  'no Centrifuge server built from its present sources: npm run test:interop, with Go 1.26 or newer';
export const noGoNats = `no NATS ${natsVersion} built: npm run test:interop, with Go 1.26 or newer`;

const sources = join(root, 'e2e', 'interop', 'services', 'centrifuge');
const nats = join(cache, `nats-server-${natsVersion}`);

/** Where our Centrifuge server is, if it has been built from the sources as they are. */
export function findCentrifuge() {
  return [centrifuge()].find(existsSync);
}

/** Where the NATS server built by Go is, newer than Debian's, if there is one. */
export function findGoNats() {
  return [join(nats, 'nats-server')].find(existsSync);
}

/** Builds our Centrifuge server, unless it is there, if this machine has Go. */
export function bringCentrifuge() {
  if (findCentrifuge() !== undefined || !hasGo()) return findCentrifuge();
  console.log('Building the Centrifuge server …');
  mkdirSync(cache, { recursive: true });
  const older = readdirSync(cache).filter((name) => name.startsWith('centrifuge-'));
  for (const name of older) rmSync(join(cache, name));
  run('go', ['build', '-o', centrifuge(), '.'], { cwd: sources });
  return findCentrifuge();
}

/** Builds a NATS server from its Go module, unless it is there, if this machine has Go. */
export function bringGoNats() {
  if (findGoNats() !== undefined || !hasGo()) return findGoNats();
  console.log(`Building NATS ${natsVersion} …`);
  const env = { ...process.env, GOBIN: nats };
  run('go', ['install', `github.com/nats-io/nats-server/v2@${natsVersion}`], { env });
  return findGoNats();
}

/** Where it is built to, which is another place once a source has changed. */
function centrifuge() {
  const hash = createHash('sha256');
  for (const name of ['main.go', 'go.mod', 'go.sum'])
    hash.update(readFileSync(join(sources, name)));
  return join(cache, `centrifuge-${hash.digest('hex').slice(0, 12)}`);
}

function hasGo() {
  return spawnSync('go', ['version']).status === 0;
}
