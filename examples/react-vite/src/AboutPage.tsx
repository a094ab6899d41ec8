import { useTwoStageSocket } from '@two-stage-socket/react';
import { useChat } from './chat.ts';

export function AboutPage() {
  const { state: isReady } = useTwoStageSocket(useChat(), (state) => state.status === 'ready');
  return (
    <main>
      <h1>About</h1>
      <p>This page shares the socket of the chat, which {isReady ? 'is ready' : 'is not ready'}.</p>
    </main>
  );
}
