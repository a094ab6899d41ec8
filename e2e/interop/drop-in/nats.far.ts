import { type NatsConnection, type Status, wsconnect } from '@nats-io/nats-core';
import { test } from 'vitest';
import { servers, startNats } from '../services/nats.ts';
import { holdDrops } from './drops.ts';

const name = '@nats-io/nats-core';
const { path, missing } = servers.debian;

if (path) {
  holdDrops({
    name,
    refusals: 3,
    start: () => startNats(),
    async run({ WebSocket, url, log, server }) {
      const connection = await wsconnect({
        servers: url,
        user: server.user,
        pass: server.pass,
        reconnectTimeWait: 10,
        maxReconnectAttempts: -1,
        wsFactory: async (href) => ({ socket: new WebSocket(href), encrypted: false }),
      });
      connection.subscribe('echo', {
        callback: (_, message) => void message.respond(message.data),
      });
      connection.subscribe('news', { callback: (_, message) => log.add(message.string()) });
      const told = follow(connection, ({ type }) => log.add({ status: type }));
      return {
        isBack: () => once(connection, 'reconnect'),
        async use(drops) {
          const answer = await connection.request('echo', `asked ${drops}`);
          log.add(answer.string());
          connection.publish('news', `published ${drops}`);
          await log.has(`published ${drops}`);
        },
        async stop() {
          await connection.drain();
          await told;
          log.add({ closed: await connection.closed() });
        },
      };
    },
  });
} else {
  test.skip(`${name}: not run, ${missing}`);
}

/** Resolves when the connection is closed. */
async function follow(connection: NatsConnection, see: (status: Status) => void): Promise<void> {
  for await (const status of connection.status()) see(status);
}

async function once(connection: NatsConnection, type: Status['type']): Promise<void> {
  for await (const status of connection.status()) if (status.type === type) return;
}
