/** Who is logged in, and the JWT that says so. */
export interface Session {
  readonly user: string;
  readonly jwt: string;
}

/** Kept in a cookie, so that a server renders the page of who is logged in. */
export const useSession = () => useCookie<Session | undefined>('session', { sameSite: 'lax' });
