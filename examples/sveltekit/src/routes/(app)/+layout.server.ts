import { redirect } from '@sveltejs/kit';
import { getSession } from '../../session.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = ({ cookies }) => ({
  session: getSession(cookies) ?? redirect(307, '/login'),
});
