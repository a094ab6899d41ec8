import { useTwoStageSocket } from '@two-stage-socket/react';
import { useState } from 'react';
import { NavLink, Outlet } from 'react-router';
import { ChatProvider, chatOptions, useChat } from './chat.ts';
import { LogIn } from './LogIn.tsx';
import { logOut, savedSession } from './session.ts';

export function App() {
  const [session, setSession] = useState(savedSession);
  if (!session) return <LogIn onLogIn={setSession} />;
  const leave = () => {
    setSession(null);
    logOut(session).catch(console.error);
  };
  return (
    <ChatProvider source={chatOptions(session)}>
      <Header user={session.user} onLogOut={leave} />
      <Outlet />
    </ChatProvider>
  );
}

function Header({ user, onLogOut }: { user: string; onLogOut: () => void }) {
  const { state, socket } = useTwoStageSocket(useChat());
  return (
    <header>
      <NavLink to="/">Chat</NavLink>
      <NavLink to="/about">About</NavLink>
      <output data-testid="status">{state.status}</output>
      <button
        type="button"
        data-testid="logout"
        onClick={() => {
          // At once, and nothing that is still queued goes out.
          socket.close();
          onLogOut();
        }}
      >
        Log out {user}
      </button>
    </header>
  );
}
