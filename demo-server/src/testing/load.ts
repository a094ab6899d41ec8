/// <reference lib="dom" />
// The client is written for browsers, so its types need theirs.
import { EventEmitter, once } from 'node:events';
import { fetchToken, TwoStageSocket } from '@two-stage-socket/core';

/** Many clients of ours at once, each of which talks all the time. */
export interface Load {
  /** Every token that was minted for them. */
  readonly minted: readonly string[];
  /** Every token that opened a WebSocket, as often as it did. */
  readonly opened: readonly string[];
  /** How many clients were ready and then were not, at least once. */
  readonly losses: number;
  /** Resolves once this holds; asked whenever a client's state changes. */
  until(condition: () => boolean): Promise<void>;
  /** Whether all clients are ready. */
  allReady(): boolean;
  /** Resolves once every client was answered something new, and heard this message. */
  allHear(message: string, say: () => Promise<void>): Promise<void>;
  /** Closes every client. */
  stop(): void;
}

/** ms between an answer and the next message of a client. */
const PAUSE = 50;

/**
 * Starts a client for each JWT.
 *
 * @param url where the token route and the WebSocket are, like `http://127.0.0.1:8080`
 */
export function startLoad(url: string, jwts: readonly string[]): Load {
  const changes = new EventEmitter();
  const minted: string[] = [];
  const opened: string[] = [];
  const wasReady = new Set<TwoStageSocket>();
  const lost = new Set<TwoStageSocket>();
  let isStopped = false;

  class RecordingWebSocket extends WebSocket {
    constructor(address: string, protocols?: string[]) {
      super(address, protocols);
      const token = new URL(address).searchParams.get('token') ?? '';
      this.addEventListener('open', () => opened.push(token));
    }
  }

  function startClient(jwt: string): TwoStageSocket {
    const ask = fetchToken(`${url}/token/ws`, { headers: { Authorization: `Bearer ${jwt}` } });
    const socket = new TwoStageSocket({
      url: `${url.replace('http', 'ws')}/demo`,
      async getToken(context) {
        const token = await ask(context);
        minted.push(token.token);
        return token;
      },
      initPayload: { type: 'jwt', token: jwt },
      WebSocket: RecordingWebSocket,
    });
    let count = 0;
    const talk = (): void => {
      count += 1;
      if (!isStopped) socket.send(`message ${count}`);
    };
    socket.on('ready', talk);
    socket.on('message', (message) => {
      if (message === `echo: message ${count}`) setTimeout(talk, PAUSE);
      changes.emit('message', socket, message);
    });
    socket.on('statechange', ({ status }) => {
      if (status === 'ready') wasReady.add(socket);
      else if (wasReady.has(socket)) lost.add(socket);
      changes.emit('state');
    });
    socket.connect();
    return socket;
  }

  const sockets = jwts.map(startClient);

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(changes, 'state');
  }

  return {
    minted,
    opened,
    get losses() {
      return lost.size;
    },
    until,
    allReady: () => sockets.every((socket) => socket.getSnapshot().status === 'ready'),
    async allHear(message, say) {
      const waiting = new Set(sockets);
      const answered = new Set<TwoStageSocket>();
      const done = new Promise<void>((resolve) => {
        changes.on('message', (socket: TwoStageSocket, heard: unknown) => {
          if (heard === message) waiting.delete(socket);
          if (String(heard).startsWith('echo: ')) answered.add(socket);
          if (waiting.size === 0 && answered.size === sockets.length) resolve();
        });
      });
      await say();
      await done;
    },
    stop() {
      isStopped = true;
      for (const socket of sockets) socket.close();
    },
  };
}
