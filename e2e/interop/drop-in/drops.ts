import { readFile } from 'node:fs/promises';
import type { WebSocketOptions } from '@two-stage-socket/core/websocket';
import { describe, expect, test } from 'vitest';
import { type Credentials, openGateway, type Upstream } from './gateway.ts';
import { type Link, openRelay } from './link.ts';
import { Log } from './log.ts';
import type { Server } from './server.ts';

/** What a program runs in. */
export interface World<S> {
  readonly WebSocket: typeof globalThis.WebSocket;
  /** Of the drop-in class, for a program that makes it elsewhere; none over the platform's own. */
  readonly options?: WebSocketOptions & Credentials;
  /** Where its server is to be found: a `ws:` URL with no path. */
  readonly url: string;
  /** For everything that its user would see; what changes from run to run has no place there. */
  readonly log: Log;
  /** The server itself, past the link that is cut. */
  readonly server: S;
}

/** A program that is connected. */
export interface Program {
  /** Resolves when the library says that it is back. Called before each drop, and only then. */
  isBack(): Promise<unknown>;
  /** Has the user do, and see, what takes a connection; `drops` have been before. */
  use(drops: number): Promise<unknown>;
  /** Ends it; resolves when its user has seen the last of it. */
  stop(): unknown;
}

/** A library that takes a WebSocket class, and a program that a user could write with it. */
export interface Library<S extends Server & Upstream> {
  /** Of its package. */
  readonly name: string;
  /** A server of its own for each run. */
  start(): Promise<S>;
  /**
   * How many tries are refused after a drop, in a test where the drop-in class leaves it to the library
   * to try again; default none, and no such test.
   */
  readonly refusals?: number;
  /** Resolves once the library says that it is connected. */
  run(world: World<S>): Program | Promise<Program>;
}

const drops = 10;

/**
 * Holds the drop-in class to the platform's: over either a program comes back from ten drops, and from
 * tries that are refused, and its user sees the same.
 */
export function holdDrops<S extends Server & Upstream>(library: Library<S>): void {
  const { name, refusals } = library;
  const hold = async (troubles: Troubles, options: WebSocketOptions = {}) => {
    const own = await seenOver(library, troubles, openRelay, () => ({ WebSocket }));
    expect(own.length).toBeGreaterThan(troubles.drops);
    const ours = await seenOver(library, troubles, openGateway, (gateway) => ({
      WebSocket: gateway.createClass(options),
      options: { ...options, ...gateway.credentials },
    }));
    expect(ours).toEqual(own);
  };
  describe(name, () => {
    test(`${drops} drops look as they do over the platform's own WebSocket`, async ({ task }) => {
      Object.assign(task.meta, { version: await versionOf(name) });
      await hold({ drops, refusals: 0 });
    });
    if (refusals) {
      test(`${refusals} tries that are refused look as they do there, if each instance is one`, () =>
        hold({ drops: 1, refusals }, { retry: { maxAttempts: 1 } }));
    }
  });
}

/** What a program goes through: how often it is dropped, and how many tries are refused after each drop. */
type Troubles = Readonly<Record<'drops' | 'refusals', number>>;

/** What a program's user sees in a run over one way to its server. */
async function seenOver<S extends Server & Upstream, L extends Link>(
  library: Library<S>,
  { drops, refusals }: Troubles,
  open: (upstream: Upstream) => Promise<L>,
  given: (link: L) => Pick<World<S>, 'WebSocket' | 'options'>,
): Promise<unknown[]> {
  const log = new Log();
  const server = await library.start();
  const link = await open(server);
  let program: Program | undefined;
  try {
    const world = { ...given(link), url: link.url, log, server };
    program = await soon(log, 'the library is connected', library.run(world));
    await soon(log, 'its user has used it', program.use(0));
    for (let n = 1; n <= drops; n += 1) {
      const isBack = program.isBack();
      link.refuse(refusals);
      link.drop();
      await soon(log, `the library is back from drop ${n}`, isBack);
      await soon(log, `its user has used it after drop ${n}`, program.use(n));
    }
    await soon(log, 'it is stopped', program.stop());
    program = undefined;
    return [...log.entries, { connections: link.connections }];
  } finally {
    program?.stop();
    await link.stop();
    await server.stop();
  }
}

/** How long a library may take for one thing, in ms: longer than any of them waits before it tries again. */
const patience = 10_000;

async function soon<T>(log: Log, what: string, promise: T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const seen = JSON.stringify(log.entries.slice(-5));
      reject(new Error(`Not within ${patience} ms: ${what}. Last seen: ${seen}`));
    }, patience);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function versionOf(name: string): Promise<string> {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(await readFile(file, 'utf8')).version;
}
