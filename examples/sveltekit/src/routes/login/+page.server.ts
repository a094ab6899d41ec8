import { type Actions, fail, redirect } from '@sveltejs/kit';
import { PUBLIC_SERVER } from '$app/env/public';
import { getSession } from '../../session.ts';

export const actions = {
  async logIn({ request, cookies, fetch }) {
    const { username, password } = Object.fromEntries(await request.formData());
    const response = await fetch(`${PUBLIC_SERVER}/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username, password }),
    });
    const { data, message } = await response.json();
    if (!response.ok) return fail(response.status, { problem: String(message) });
    cookies.set('session', JSON.stringify({ user: username, jwt: data.token }), { path: '/' });
    redirect(303, '/');
  },

  async logOut({ cookies, fetch }) {
    const session = getSession(cookies);
    cookies.delete('session', { path: '/' });
    if (session) {
      await fetch(`${PUBLIC_SERVER}/logout`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${session.jwt}` },
      });
    }
    redirect(303, '/login');
  },
} satisfies Actions;
