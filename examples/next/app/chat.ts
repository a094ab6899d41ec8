'use client';

import { createSocketContext, fetchToken, type SocketOptions } from '@two-stage-socket/react';
import { server } from './server';
import type { Session } from './session';

/** What somebody said in a room. */
export interface Line {
  readonly room: string;
  readonly text: string;
}

/** The server tells all rooms something as plain text. */
export type Incoming = Line | string;

/** One socket for the whole app: provided by the layout, used by whoever is below it. */
export const [ChatProvider, useChat] = createSocketContext<Incoming, Line>('Chat');

export function chatOptions({ user, jwt }: Session): SocketOptions<Incoming, Line> {
  return {
    url: `${server}/demo`,
    getToken: fetchToken(`${server}/token/ws`, { headers: { Authorization: `Bearer ${jwt}` } }),
    initPayload: { type: 'jwt', token: jwt },
    // Another user never gets the socket of the one before.
    key: user,
  };
}

export interface Shown {
  readonly id: number;
  readonly text: string;
}

/** Gathers the last hundred texts that a room is to show. */
export function inRoom(room: string) {
  return (shown: readonly Shown[], message: Incoming): readonly Shown[] => {
    const line = typeof message === 'string' ? { room, text: message } : message;
    if (line.room !== room) return shown;
    return [...shown.slice(-99), { id: (shown.at(-1)?.id ?? 0) + 1, text: line.text }];
  };
}
