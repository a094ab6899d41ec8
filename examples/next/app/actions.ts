'use server';

import { cookies } from 'next/headers';
import { server } from './server';
import { getSession } from './session';

/** Gives what the server has against it, if anything. */
export async function logIn(_: string, form: FormData): Promise<string> {
  const { username, password } = Object.fromEntries(form);
  const response = await fetch(`${server}/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });
  const { data, message } = await response.json();
  if (!response.ok) return message;
  const session = JSON.stringify({ user: username, jwt: data.token });
  (await cookies()).set('session', session, { httpOnly: true, sameSite: 'lax' });
  return '';
}

export async function logOut(): Promise<void> {
  const session = await getSession();
  (await cookies()).delete('session');
  if (!session) return;
  await fetch(`${server}/logout`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${session.jwt}` },
  });
}
