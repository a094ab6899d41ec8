import { type Context, fetchToken, TwoStageSocket, type Wire } from '@two-stage-socket/core';
import type { User } from './api.ts';
import { now } from './clock.ts';
import { formatDuration } from './format.ts';
import { pause } from './pace.ts';
import { createSession } from './session.ts';
import { createStore, type Store } from './store.ts';
import { createTimeline, type Timeline } from './timeline.ts';

export const frameworks = ['react', 'vue', 'svelte'] as const;
export type Framework = (typeof frameworks)[number];

const titles: { readonly [framework in Framework]: string } = {
  react: 'React',
  vue: 'Vue',
  svelte: 'Svelte',
};

/** Who can be logged in, as the panels offer it. */
export const logins = { ada: 'Ada', bob: 'Bob', nobody: 'Nobody' } as const;

/** What a retry does with the token in hand; `auto` is what the token says of itself. */
export const tokenRetries = { auto: 'auto', reuse: 'reuse', refresh: 'refresh' } as const;
export type TokenRetry = keyof typeof tokenRetries;

/** The wires that a panel can speak. */
export const wires: { readonly [wire in Wire]: string } = {
  'two-stage.v1': 'two-stage.v1',
  original: 'original',
};

/** What can be switched on a panel. */
export interface Switches {
  readonly tokenRetry: TokenRetry;
  readonly wire: Wire;
}

/** All of a panel that is not its framework's. */
export interface Panel {
  readonly framework: Framework;
  readonly title: string;
  readonly socket: TwoStageSocket<unknown, string>;
  readonly user: Store<User | undefined>;
  readonly timeline: Store<Timeline>;
  readonly switches: Store<Switches>;
  /** Logs in as another user, or out: nothing of the former one's is sent after this. */
  become(login: keyof typeof logins): void;
  /** How a retry gets its token; from the next attempt on. */
  setTokenRetry(tokenRetry: TokenRetry): void;
  /** Which wire is offered; starts over with it. */
  setWire(wire: Wire): void;
  send(text: string): void;
  /** Notes how long the echo of a message took. */
  hear(message: unknown): void;
}

export function createPanel(framework: Framework, user: User | undefined): Panel {
  const session = createSession();
  const switches = createStore<Switches>({ tokenRetry: 'auto', wire: 'two-stage.v1' });

  const fetchFromRoute = fetchToken('/token/ws', async (context) => {
    const jwt = await session.jwt(context);
    return { headers: jwt ? { Authorization: `Bearer ${jwt}` } : {} };
  });

  const socket = new TwoStageSocket<unknown, string>({
    url({ token, reason }) {
      if (reason === 'handover') timeline.note('token', 'Handing over', 'the server is going away');
      timeline.noteToken(token);
      return '/demo';
    },
    async getToken(context) {
      await pause(context.signal, 1);
      return fetchFromRoute(context);
    },
    async initPayload(context: Context) {
      await pause(context.signal, 2);
      const login = session.jwt(context);
      const isRenewal = context.reason === 'renew';
      if (isRenewal) timeline.note('token', 'Renewing', 'a new JWT, on the same connection');
      // A login that failed is the token stage's to report: without a token, this is not sent.
      const jwt = await (isRenewal ? login : login.catch(() => undefined));
      return { type: 'jwt', token: jwt ?? '' };
    },
    retry: {
      // The demo remembers who is logged in: when its JWT is refused, it logs in once more.
      decide: ({ status }, { rejections }) =>
        status === 401 && session.user.getSnapshot() && !rejections ? 0 : undefined,
    },
  });
  const timeline = createTimeline(socket);

  const become = (login: keyof typeof logins) => {
    const next = login === 'nobody' ? undefined : login;
    if (next === session.user.getSnapshot()) return;
    socket.close();
    session.become(next);
    timeline.note('user', next ? `Logged in as ${next}` : 'Logged out');
    if (next) socket.connect();
  };
  session.become(user);
  let sent: { echo: string; at: number } | undefined;

  return {
    framework,
    title: titles[framework],
    socket,
    timeline,
    switches,
    become,
    user: session.user,
    setTokenRetry(tokenRetry) {
      switches.update((before) => ({ ...before, tokenRetry }));
      socket.configure({ tokenRetry: tokenRetry === 'auto' ? undefined : tokenRetry });
    },
    setWire(wire) {
      switches.update((before) => ({ ...before, wire }));
      // Left out, the token says what to offer; the original wire is what nothing was offered for.
      socket.configure({ protocols: wire === 'original' ? [] : undefined });
      const { status } = socket.getSnapshot();
      if (status !== 'idle' && status !== 'closed') socket.reconnect();
    },
    send(text) {
      const outcome = socket.send(text);
      if (outcome === 'sent') sent = { echo: `echo: ${text}`, at: now() };
      timeline.note('message', `Message ${outcome}`, text);
    },
    hear(message) {
      if (!sent || message !== sent.echo) return;
      timeline.note('message', 'Echo received', `after ${formatDuration(now() - sent.at)}`);
      sent = undefined;
    },
  };
}
