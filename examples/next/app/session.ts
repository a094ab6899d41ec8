import { cookies } from 'next/headers';

/** Who is logged in, and the JWT that says so. */
export interface Session {
  readonly user: string;
  readonly jwt: string;
}

/** Whose request this is. */
export async function getSession(): Promise<Session | undefined> {
  const cookie = (await cookies()).get('session');
  // One that the request itself has deleted is still there, and empty.
  return cookie?.value ? JSON.parse(cookie.value) : undefined;
}
