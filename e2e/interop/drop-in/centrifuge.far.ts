import { Centrifuge } from 'centrifuge';
import { test } from 'vitest';
import { centrifuge, startCentrifuge } from '../services/centrifuge.ts';
import { holdDrops } from './drops.ts';

const name = 'centrifuge';
const path = '/connection/websocket';
const channel = 'history:news';

if (centrifuge.path) {
  holdDrops({
    name,
    refusals: 3,
    // Without a token of its own: behind the gateway `?token=` is the gateway's.
    start: () => startCentrifuge(''),
    async run({ WebSocket, url, log, server }) {
      const getToken = async () => server.jwt();
      const publisher = new Centrifuge(server.url, { getToken });
      const client = new Centrifuge(`${url}${path}`, {
        websocket: WebSocket,
        getToken,
        minReconnectDelay: 10,
        maxReconnectDelay: 100,
      });
      let losses = 0;
      client.on('connected', ({ transport }) => log.add({ connected: transport }));
      client.on('error', ({ type, error }) => log.add({ type, error }));
      client.on('disconnected', (why) => log.add({ disconnected: why }));
      const subscription = client.newSubscription(channel);
      subscription.on('subscribed', ({ wasRecovering, recovered }) => {
        log.add({ subscribed: { wasRecovering, recovered } });
      });
      subscription.on('publication', ({ data }) => log.add(data));

      const connected = () => new Promise((resolve) => client.once('connected', resolve));
      publisher.connect();
      client.connect();
      subscription.subscribe();
      await Promise.all([publisher.ready(), subscription.ready()]);
      client.on('connecting', ({ code, reason }) => {
        log.add({ connecting: { code, reason } });
        publisher.publish(channel, `published while away ${++losses}`);
      });
      return {
        isBack: connected,
        async use(drops) {
          if (drops) await log.has(`published while away ${drops}`);
          log.add(await client.rpc('echo', `asked ${drops}`));
          await subscription.publish(`published ${drops}`);
          await log.has(`published ${drops}`);
        },
        stop() {
          publisher.disconnect();
          client.disconnect();
        },
      };
    },
  });
} else {
  test.skip(`${name}: not run, ${centrifuge.missing}`);
}
