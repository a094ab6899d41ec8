import { useReducedMessages } from '@two-stage-socket/react';
import { useState } from 'react';
import { inRoom, useChat } from './chat.ts';

export function ChatRoom({ name }: { name: string }) {
  const socket = useChat();
  const shown = useReducedMessages(socket, inRoom(name), []);
  const [draft, setDraft] = useState('');
  return (
    <>
      <section>
        <ol data-testid="messages">
          {shown.map(({ id, text }) => (
            <li key={id}>{text}</li>
          ))}
        </ol>
      </section>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          socket.send({ room: name, text: draft });
          setDraft('');
        }}
      >
        <input
          data-testid="draft"
          aria-label="Message"
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
          required
        />
        <button type="submit" data-testid="send">
          Send
        </button>
      </form>
    </>
  );
}
