import { CloseCode } from './close-codes.ts';
import type { Connection } from './connection.ts';
import { type Cancel, type Environment, systemEnvironment } from './environment.ts';
import type { FanOut, Notice } from './fan-out.ts';
import type { Identity } from './jwt.ts';
import { deliver } from './pipelines.ts';
import type { Registry } from './registry.ts';
import type { LocalRevocations, Revocations, Standing } from './revocations.ts';

/**
 * What a server can be told to do to connections wherever they are, on all of its processes. Each
 * rejects when the broker, or the list of revocations, is down.
 */
export interface Control {
  /** Sends a message to every ready connection. */
  broadcast(message: unknown): Promise<void>;
  /** Sends a message to every ready connection of one user. */
  send(user: string, message: unknown): Promise<void>;
  /** Refuses a JWT from now on, and ends all connections of its user with 4401. */
  logOut(identity: Identity): Promise<void>;
  /** Keeps a user out from now on, and ends all of the user's connections with 4403. */
  forbid(user: string): Promise<void>;
  /** Lets a user in again. */
  readmit(user: string): Promise<void>;
}

/** A control that goes on telling what it could not. */
export interface PersistentControl extends Control {
  /** Gives up what is still to be told. */
  close(): void;
}

/** How long to wait before something that failed is tried again, in ms. */
const RETRY = 1000;

/**
 * What is to be remembered is, before anybody hears of it: a client comes back within a second. What
 * is remembered and could not be told is told again until it is: whoever asked cannot ask again, as
 * a JWT that was logged out logs nobody out.
 */
export function createControl(
  revocations: Revocations,
  fanOut: FanOut,
  environment: Environment = systemEnvironment,
): PersistentControl {
  /** By whom they are about: of two that contradict each other, the later one counts. */
  const untold = new Map<string, Notice>();
  let cancelRetry: Cancel | undefined;

  function tellLater(): void {
    cancelRetry ??= environment.after(RETRY, retry);
  }

  async function tell(subject: string, notice: Notice): Promise<void> {
    untold.set(subject, notice);
    try {
      await fanOut.publish(notice);
    } catch (error) {
      tellLater();
      throw error;
    }
    if (untold.get(subject) === notice) untold.delete(subject);
  }

  /** Another process may have let the user in meanwhile, or forbidden them. */
  async function isStale(notice: Notice): Promise<boolean> {
    if (notice.kind !== 'forbid' && notice.kind !== 'readmit') return false;
    const standing = await revocations.check({ user: notice.user, id: '', expiresAt: 0 });
    return (standing === 'forbidden') !== (notice.kind === 'forbid');
  }

  async function tellAgain(subject: string, notice: Notice): Promise<void> {
    try {
      if (!(await isStale(notice))) await tell(subject, notice);
      else if (untold.get(subject) === notice) untold.delete(subject);
    } catch {
      if (untold.size > 0) tellLater();
    }
  }

  function retry(): void {
    cancelRetry = undefined;
    for (const [subject, notice] of untold) void tellAgain(subject, notice);
  }

  return {
    broadcast: (message) => fanOut.publish({ kind: 'broadcast', message }),
    send: (user, message) => fanOut.publish({ kind: 'message', user, message }),
    async logOut(identity) {
      await revocations.revoke(identity);
      await tell(`JWT ${identity.id}`, { kind: 'logout', identity });
    },
    async forbid(user) {
      await revocations.forbid(user);
      await tell(`user ${user}`, { kind: 'forbid', user });
    },
    async readmit(user) {
      await revocations.readmit(user);
      await tell(`user ${user}`, { kind: 'readmit', user });
    },
    close() {
      cancelRetry?.();
      untold.clear();
    },
  };
}

/** Does what a notice says to the connections of this process. */
export function obey(notice: Notice, registry: Registry, heard: LocalRevocations): void {
  switch (notice.kind) {
    case 'broadcast':
      deliver(registry, notice.message);
      return;
    case 'message':
      deliver(registry.of(notice.user), notice.message);
      return;
    case 'logout':
      void heard.revoke(notice.identity);
      end(registry, notice.identity.user, 'revoked');
      return;
    case 'forbid':
      void heard.forbid(notice.user);
      end(registry, notice.user, 'forbidden');
      return;
    case 'readmit':
      void heard.readmit(notice.user);
  }
}

/** How many JWTs are asked about at a time. */
const AT_A_TIME = 100;

/**
 * Ends what should have been ended while notices went missing, again until nothing is down. A logout
 * ends all connections of a user, of which only those with the very JWT can be known afterwards.
 */
export function catchUp(
  registry: Registry,
  revocations: Revocations,
  environment: Environment,
): Cancel {
  const left = [...registry];
  let cancel: Cancel = () => {};
  let isCancelled = false;

  async function judge(connection: Connection): Promise<void> {
    if (connection.identity === undefined || connection.ended) return;
    const standing = await revocations.check(connection.identity);
    if (standing !== 'good') connection.end(...ENDS[standing]);
  }

  async function run(): Promise<void> {
    while (left.length > 0 && !isCancelled) {
      const batch = left.slice(-AT_A_TIME);
      try {
        await Promise.all(batch.map(judge));
      } catch {
        if (!isCancelled) cancel = environment.after(RETRY, () => void run());
        return;
      }
      left.splice(-batch.length);
    }
  }

  void run();
  return () => {
    isCancelled = true;
    cancel();
  };
}

const ENDS: { readonly [Name in Exclude<Standing, 'good'>]: [number, string] } = {
  revoked: [CloseCode.unauthorized, 'logged out'],
  forbidden: [CloseCode.forbidden, 'forbidden'],
};

function end(registry: Registry, user: string, standing: keyof typeof ENDS): void {
  for (const connection of registry.of(user)) connection.end(...ENDS[standing]);
}
