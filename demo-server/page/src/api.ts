/** The HTTP side of the reference server, but for the token route: `fetchToken` of the core asks that. */

export const users = ['ada', 'bob'] as const;
export type User = (typeof users)[number];

/** Logs a user of the demo in, whose password is the user's name, and gives the JWT. */
export async function logIn(user: User, signal: AbortSignal): Promise<string> {
  const { token } = await call<{ token: string }>('/login', {
    ...json({ username: user, password: user }),
    signal,
  });
  return token;
}

/** Has the server forget the JWT, and end what is connected with it. */
export async function logOut(jwt: string): Promise<void> {
  await call('/logout', { method: 'POST', headers: { Authorization: `Bearer ${jwt}` } });
}

/** What goes wrong on purpose, as `/faults` tells it. */
export interface Faults {
  readonly tokenRoute: string;
  readonly upgrade: string;
  readonly init: string;
  readonly tokenReusable: boolean | null;
  readonly tokenExpiresIn: number | null;
  readonly jwtExpiresIn: number | null;
}

/** Asks for the fault switches; rejects with status 404 where the server runs without them. */
export const readFaults = (scope: { user?: string }): Promise<Faults> =>
  call(`/faults?${new URLSearchParams(scope)}`);

/** Sets fault switches, or does what an `action` says; gives the switches as they are then. */
export const changeFaults = (order: object): Promise<Faults> => call('/faults', json(order));

function json(body: object): RequestInit {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  };
}

async function call<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(path, { cache: 'no-store', ...init });
  const body = await response.json().catch(() => undefined);
  if (!response.ok) {
    const { status } = response;
    throw Object.assign(new Error(body?.message ?? `${path} answered ${status}`), { status });
  }
  return body?.data;
}
