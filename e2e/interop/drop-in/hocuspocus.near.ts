import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider';
import { Server } from '@hocuspocus/server';
import { Doc } from 'yjs';
import { holdDrops } from './drops.ts';
import { exchange, follow } from './yjs.ts';

const name = 'shared';
const secret = 'a secret of the program';

holdDrops({
  name: '@hocuspocus/provider',
  refusals: 3,
  async start() {
    const server = new Server({
      address: '127.0.0.1',
      port: 0,
      quiet: true,
      stopOnSignals: false,
      async onAuthenticate({ token }) {
        if (token !== secret) throw new Error('Not the token of the program');
      },
    });
    const hocuspocus = await server.listen();
    // Keeps the document when nobody else is connected.
    const direct = await hocuspocus.openDirectConnection(name);
    return {
      url: `ws://127.0.0.1:${server.address.port}`,
      doc: direct.document as Doc,
      async stop() {
        await direct.disconnect();
        await server.destroy();
      },
    };
  },
  async run({ WebSocket, url, log, server }) {
    const doc = new Doc();
    const user = follow(doc, log);
    const peer = follow(server.doc);
    const websocketProvider = new HocuspocusProviderWebsocket({
      url,
      WebSocketPolyfill: WebSocket,
      delay: 10,
      minDelay: 10,
    });
    const provider = new HocuspocusProvider({
      websocketProvider,
      name,
      document: doc,
      token: secret,
    });
    let losses = 0;
    provider.on('status', ({ status }: { status: string }) => log.add(status));
    provider.on('authenticated', ({ scope }: { scope: string }) => log.add(scope));
    provider.on('synced', () => log.add('synced'));
    provider.on('close', ({ event }: { event: CloseEvent }) => {
      log.add({ code: event.code, reason: event.reason, wasClean: event.wasClean });
      losses += 1;
      user.write(`offline ${losses}`);
    });
    const isBack = () =>
      new Promise<void>((resolve) => {
        const look = () => {
          provider.off('synced', look);
          resolve();
        };
        provider.on('synced', look);
      });
    const first = isBack();
    provider.attach();
    await first;
    return {
      isBack,
      use: (drops) => exchange(user, peer, drops),
      stop() {
        provider.destroy();
        websocketProvider.destroy();
        doc.destroy();
      },
    };
  },
});
