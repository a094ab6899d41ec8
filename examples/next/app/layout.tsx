import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { LoggedIn } from './LoggedIn';
import { LogIn } from './LogIn';
import { getSession } from './session';
import './style.css';

export const metadata: Metadata = {
  title: 'Chat, in React with Next',
  icons: 'data:,',
};

export default async function Layout({ children }: { children: ReactNode }) {
  const session = await getSession();
  return (
    <html lang="en">
      <body>{session ? <LoggedIn session={session}>{children}</LoggedIn> : <LogIn />}</body>
    </html>
  );
}
