export const server: string = import.meta.env.VITE_SERVER ?? 'http://127.0.0.1:8080';

/** Who is logged in, and the JWT that says so. */
export interface Session {
  readonly user: string;
  readonly jwt: string;
}

/** The session that this tab had before it was loaded again. */
export function savedSession(): Session | null {
  return JSON.parse(sessionStorage.getItem('session') ?? 'null');
}

/** @throws Error with what the server has against it. */
export async function logIn(username: string, password: string): Promise<Session> {
  const response = await fetch(`${server}/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });
  const { data, message } = await response.json();
  if (!response.ok) throw new Error(message);
  const session = { user: username, jwt: data.token };
  sessionStorage.setItem('session', JSON.stringify(session));
  return session;
}

export async function logOut({ jwt }: Session): Promise<void> {
  sessionStorage.removeItem('session');
  await fetch(`${server}/logout`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${jwt}` },
  });
}
