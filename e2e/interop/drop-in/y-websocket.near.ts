import { getYDoc, setupWSConnection } from '@y/websocket-server/utils';
import { WebsocketProvider } from 'y-websocket';
import { Doc } from 'yjs';
import { holdDrops } from './drops.ts';
import { serve } from './server.ts';
import { exchange, follow } from './yjs.ts';

/** The server keeps documents by name for as long as its process lives. */
let rooms = 0;

holdDrops({
  name: 'y-websocket',
  refusals: 3,
  async start() {
    rooms += 1;
    const room = `room-${rooms}`;
    const server = await serve((server) => server.on('connection', setupWSConnection));
    return { ...server, room, doc: getYDoc(room) };
  },
  async run({ WebSocket, url, log, server }) {
    const doc = new Doc();
    const user = follow(doc, log);
    const peer = follow(server.doc);
    const provider = new WebsocketProvider(url, server.room, doc, {
      WebSocketPolyfill: WebSocket,
      disableBc: true,
      maxBackoffTime: 20,
    });
    let losses = 0;
    provider.on('status', ({ status }) => {
      log.add(status);
      if (status !== 'disconnected') return;
      losses += 1;
      user.write(`offline ${losses}`);
    });
    provider.on('connection-error', ({ type }) => log.add({ error: type }));
    provider.on('connection-close', (event) =>
      log.add(event && { code: event.code, reason: event.reason, wasClean: event.wasClean }),
    );
    const isBack = () =>
      new Promise<void>((resolve) => {
        const look = (isSynced: boolean) => {
          if (!isSynced) return;
          provider.off('sync', look);
          resolve();
        };
        provider.on('sync', look);
      });
    await isBack();
    return {
      isBack,
      use: (drops) => exchange(user, peer, drops),
      stop() {
        provider.destroy();
        doc.destroy();
      },
    };
  },
});
