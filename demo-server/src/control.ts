import { CloseCode } from './close-codes.ts';
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

/** What is to be remembered is, before anybody hears of it: a client comes back within a second. */
export function createControl(revocations: Revocations, fanOut: FanOut): Control {
  return {
    broadcast: (message) => fanOut.publish({ kind: 'broadcast', message }),
    send: (user, message) => fanOut.publish({ kind: 'message', user, message }),
    async logOut(identity) {
      await revocations.revoke(identity);
      await fanOut.publish({ kind: 'logout', identity });
    },
    async forbid(user) {
      await revocations.forbid(user);
      await fanOut.publish({ kind: 'forbid', user });
    },
    async readmit(user) {
      await revocations.readmit(user);
      await fanOut.publish({ kind: 'readmit', user });
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

/**
 * Ends what should have been ended while notices went missing. A logout ends all connections of a
 * user, of which only those with the very JWT can be known afterwards.
 */
export async function catchUp(registry: Registry, revocations: Revocations): Promise<void> {
  await Promise.all(
    [...registry].map(async (connection) => {
      if (connection.identity === undefined) return;
      const standing = await revocations.check(connection.identity);
      if (standing !== 'good') connection.end(...ENDS[standing]);
    }),
  );
}

const ENDS: { readonly [Name in Exclude<Standing, 'good'>]: [number, string] } = {
  revoked: [CloseCode.unauthorized, 'logged out'],
  forbidden: [CloseCode.forbidden, 'forbidden'],
};

function end(registry: Registry, user: string, standing: keyof typeof ENDS): void {
  for (const connection of registry.of(user)) connection.end(...ENDS[standing]);
}
