import type { Cookies } from '@sveltejs/kit';

/** Who is logged in, and the JWT that says so. */
export interface Session {
  readonly user: string;
  readonly jwt: string;
}

/** Whose request this is. */
export function getSession(cookies: Cookies): Session | undefined {
  const cookie = cookies.get('session');
  return cookie && JSON.parse(cookie);
}
