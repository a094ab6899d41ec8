import { test } from 'vitest';
import { mosquitto, startMosquitto } from '../services/mosquitto.ts';
import { holdDrops } from './drops.ts';
import type { connect } from './mqtt-page.ts';
import { openPage, runModule, serveEmptyPage } from './page.ts';

const name = 'mqtt';

if (mosquitto.path) {
  holdDrops({
    name,
    refusals: 3,
    async start() {
      const [server, origin] = await Promise.all([startMosquitto(), serveEmptyPage()]);
      return { ...server, origins: [origin], pageUrl: origin };
    },
    async run({ url, options, log, server }) {
      const page = await openPage(server.pageUrl);
      page.on('pageerror', ({ message }) => log.add({ uncaught: message }));
      await page.exposeFunction('see', (entry: unknown) => log.add(entry));
      if (options) {
        await page.exposeFunction('getToken', options.getToken);
        await page.exposeFunction('initPayload', options.initPayload);
      }
      await runModule(page, 'mqtt-page.ts');
      const { username, password } = server;
      const setup = { url, username, password, dropIn: options && { retry: options.retry ?? {} } };
      const client = await page.evaluateHandle(
        (setup) => (window as unknown as { connect: typeof connect }).connect(setup),
        setup,
      );
      let losses = 0;
      return {
        isBack: () => log.has({ connected: ++losses, sessionPresent: true }),
        async use(drops) {
          if (drops) await log.has(`published while away ${drops}`);
          await client.evaluate(({ publish }, text) => publish(text), `published ${drops}`);
          await log.has(`published ${drops}`);
          // Else it could come twice.
          await client.evaluate(({ flush }) => flush());
        },
        stop: () => client.evaluate(({ end }) => end()),
      };
    },
  });
} else {
  test.skip(`${name}: not run, ${mosquitto.missing}`);
}
