import type { Context } from '@two-stage-socket/core';
import { logIn, logOut, type User } from './api.ts';
import { createStore, type Store } from './store.ts';

/** Who is logged in on a panel. Its JWT is kept in memory, and nowhere else. */
export interface Session {
  readonly user: Store<User | undefined>;
  /** Takes effect at once; `jwt` logs in when it is asked. */
  become(user: User | undefined): void;
  /** The user's JWT, none where nobody is logged in; a new one where the former was refused, or soon ends. */
  jwt(context: Context): Promise<string | undefined>;
}

export function createSession(): Session {
  const user = createStore<User | undefined>(undefined);
  let login: { jwt: Promise<string>; attempt: AbortSignal } | undefined;

  return {
    user,
    become(next) {
      // Only a log-out is told to the server: that ends the user's sockets in the other panels too.
      if (!next) login?.jwt.then(logOut).catch(() => {});
      login = undefined;
      user.update(() => next);
    },
    async jwt({ reason, signal }) {
      const name = user.getSnapshot();
      if (!name) return undefined;
      // The token stage and the init stage of one attempt ask side by side, and share the answer.
      const isRefused = reason === 'unauthorized' && login?.attempt !== signal;
      if (!login || isRefused || reason === 'renew') {
        const current = { jwt: logIn(name, signal), attempt: signal };
        login = current;
        current.jwt.catch(() => {
          if (login === current) login = undefined;
        });
      }
      return login.jwt;
    },
  };
}
