'use client';

import { useTwoStageSocket } from '@two-stage-socket/react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import type { ReactNode } from 'react';
import { logOut } from './actions';
import { ChatProvider, chatOptions, useChat } from './chat';
import type { Session } from './session';

export function LoggedIn({ session, children }: { session: Session; children: ReactNode }) {
  return (
    <ChatProvider source={chatOptions(session)}>
      <Header user={session.user} />
      {children}
    </ChatProvider>
  );
}

function Header({ user }: { user: string }) {
  const { state, socket } = useTwoStageSocket(useChat());
  const pathname = usePathname();
  const leave = async () => {
    // At once, and nothing that is still queued goes out.
    socket.close();
    await logOut();
  };
  return (
    <header>
      <Link href="/" aria-current={pathname === '/' ? 'page' : undefined}>
        Chat
      </Link>
      <Link href="/about" aria-current={pathname === '/about' ? 'page' : undefined}>
        About
      </Link>
      <output data-testid="status">{state.status}</output>
      <form action={leave}>
        <button type="submit" data-testid="logout">
          Log out {user}
        </button>
      </form>
    </header>
  );
}
