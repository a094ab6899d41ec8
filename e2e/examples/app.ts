import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

/** An app of `examples`, and how its framework is told what to do. */
export interface Example {
  readonly name: string;
  /** The environment variable that names the server of the sockets. */
  readonly variable: string;
  /** The component of the chat page, from the app's folder. */
  readonly page: string;
  /** Whether its pages come from a server with something in them. */
  readonly isServerRendered: boolean;
  readonly dev: readonly string[];
  readonly build: readonly string[];
  readonly serve: readonly string[];
}

/** An app that answers. */
export interface App {
  readonly url: string;
  /** What it has printed. */
  readonly output: () => string;
  stop(): Promise<void>;
}

type Variables = Readonly<Record<string, string>>;

const vitests = /^(NODE_ENV|VITE|VITEST\w*|TEST|DEV|PROD|MODE|SSR|BASE_URL)$/;

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Copies an app of this repository's workspaces into a folder of its own, where it may be edited, with
 * its dependencies as npm would install them: what is published of our packages, not links to them.
 */
export async function copyExample(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `two-stage-socket-${name}-`));
  await cp(join(root, 'examples', name), folder, {
    recursive: true,
    filter: (path) => !['node_modules', 'dist'].includes(basename(path)),
  });
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  for (const dependency of ['@two-stage-socket/core', ...names]) {
    const target = join(folder, 'node_modules', dependency);
    const [scope, own] = dependency.split('/');
    await mkdir(dirname(target), { recursive: true });
    if (scope === '@two-stage-socket' && own) {
      for (const part of ['package.json', 'dist']) {
        await cp(join(root, 'packages', own, part), join(target, part), { recursive: true });
      }
    } else await symlink(join(root, 'node_modules', dependency), target);
  }
  return folder;
}

export const removeExample = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 3 });

/** Runs a command of the app's to its end. @throws Error with what it printed, if it fails. */
export async function runIn(
  folder: string,
  command: readonly string[],
  env: Variables,
): Promise<string> {
  const { child, output } = launch(folder, command, env);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command.join(' ')} ended with code ${code}:\n${output()}`);
  return output();
}

/** Starts a server of the app's; resolves once it says where it listens. */
export async function startApp(
  folder: string,
  command: readonly string[],
  env: Variables,
): Promise<App> {
  const { child, output, kill } = launch(folder, command, env);
  const exit = once(child, 'close');
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const found = /http:\/\/(?:127\.0\.0\.1|localhost|0\.0\.0\.0|\[::\]):(\d+)/.exec(output());
      if (found) resolve(`http://127.0.0.1:${found[1]}`);
    };
    child.stdout?.on('data', look);
    child.once('close', () => reject(new Error(`${command.join(' ')} has ended:\n${output()}`)));
  });
  return {
    url,
    output,
    async stop() {
      kill();
      await exit;
    },
  };
}

function launch(folder: string, [tool = '', ...args]: readonly string[], env: Variables) {
  const PATH = [
    join(folder, 'node_modules', '.bin'),
    join(root, 'node_modules', '.bin'),
    process.env.PATH,
  ].join(delimiter);
  // What vitest tells its own modules would change what the app's tools do.
  const outer = Object.entries(process.env).filter(([name]) => !vitests.test(name));
  const child: ChildProcess = spawn(tool, args, {
    cwd: folder,
    // For those that take no options: any free port, of this machine alone.
    env: { ...Object.fromEntries(outer), PORT: '0', HOST: '127.0.0.1', ...env, PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, for tools start others.
    detached: true,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (part) => {
      text += stripVTControlCharacters(part);
    });
  }
  const kill = () => {
    try {
      if (child.pid) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  // A run that is broken off has no time for `stop`.
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  return { child, output: () => text, kill };
}
