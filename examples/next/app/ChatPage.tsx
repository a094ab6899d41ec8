'use client';

import { useState } from 'react';
import { ChatRoom } from './ChatRoom';

const rooms = ['lobby', 'garden'];

export function ChatPage() {
  const [room, setRoom] = useState('lobby');
  return (
    <main>
      <h1>Chat</h1>
      <select
        data-testid="room"
        aria-label="Room"
        value={room}
        onChange={(event) => setRoom(event.target.value)}
      >
        {rooms.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {/* Made anew for each room; the socket is the one above. */}
      <ChatRoom key={room} name={room} />
    </main>
  );
}
