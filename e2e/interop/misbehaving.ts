import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** What only the server says, and what is a number besides. */
export const said = { text: 'said-by-the-server-cfe1a2b7', number: 8_675_309_731 };

/** Breaks what a recipe expects; `told` is all that the client has said, its URL included. */
type Misbehaviour = (ws: WebSocket, told: string) => void;

const json = (ws: WebSocket, message: unknown) => ws.send(JSON.stringify(message));

/** What a server may do instead of its part of the init stage, with everything in it that is a secret. */
export const misbehaviours = {
  'says nothing': () => {},
  'says an ack of another shape': (ws, told) =>
    json(ws, { type: 'welcome', session: said.text, told, [told]: said.number }),
  'says an error and stays open': (ws, told) =>
    json(ws, { type: 'error', op: 'error', error: said.text, message: told }),
  'says null': (ws) => json(ws, null),
  'says a number': (ws) => json(ws, said.number),
  'sends text that is no JSON': (ws, told) => ws.send(`{${said.text} ${told}`),
  'sends binary garbage': (ws, told) => ws.send(Buffer.from(`\xff\xfe\x80${said.text}${told}`)),
  'closes with 1000': (ws) => ws.close(1000, said.text),
} satisfies Record<string, Misbehaviour>;

/** When it misbehaves: at open, or once the client has spoken, to a challenge where there is one. */
export type Turn = 'at open' | 'once spoken to' | { readonly challenge: string | Uint8Array };

/** A server that takes any upgrade, and then does not what is expected of it. */
export interface Misbehaving {
  readonly url: string;
  /** Resolves once it has misbehaved, and the client has got all that it said. */
  readonly seen: Promise<unknown>;
  stop(): void;
}

export async function startMisbehaving(misbehave: Misbehaviour, turn: Turn): Promise<Misbehaving> {
  const wss = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(wss, 'listening');
  const seen = new Promise((resolve) => {
    wss.once('connection', async (ws, { url = '' }) => {
      ws.once('close', resolve);
      // The frames of a WebSocket are read in order: what came before this one has been seen.
      ws.once('pong', resolve);
      if (typeof turn === 'object') ws.send(turn.challenge);
      const heard = turn === 'at open' ? [] : await once(ws, 'message');
      misbehave(ws, `${url} ${heard}`);
      if (ws.readyState === ws.OPEN) ws.ping();
    });
  });
  return {
    url: `ws://127.0.0.1:${(wss.address() as AddressInfo).port}/`,
    seen,
    stop() {
      for (const ws of wss.clients) ws.terminate();
      wss.close();
    },
  };
}
