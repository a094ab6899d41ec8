import type { TwoStageSocket } from '@two-stage-socket/core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasten, hold, message, open, state } from './contract.ts';
import { type CentrifugeServer, centrifuge, startCentrifuge } from './services/centrifuge.ts';

const channel = 'news';
let id = 2;

/** The answer to a command. */
function ask(socket: TwoStageSocket<any, any>, command: object): Promise<any> {
  const mine = ++id;
  const answer = message(socket, (reply) => reply?.id === mine);
  socket.send({ id: mine, ...command });
  return answer;
}

async function exchange(socket: TwoStageSocket<any, any>): Promise<void> {
  const data = { text: 'Grüße\n' };
  expect(await ask(socket, { subscribe: { channel } })).toHaveProperty('subscribe');
  const pushed = message(socket, (reply) => reply?.push?.channel === channel);
  expect(await ask(socket, { publish: { channel, data } })).toHaveProperty('publish');
  expect((await pushed).push.pub.data).toEqual(data);
}

if (centrifuge.path) {
  hold({
    name: 'Centrifuge',
    start: () => startCentrifuge(),
    exchange,
    badToken: { stage: 'connect', code: 'connect-failed' },
    badPayload: { stage: 'init', code: 'init-dropped' },
    expires: true,
    renew: (socket) => socket.renew(),
    withAck: (messages) => expect(messages[0]).toEqual({ push: { message: { data: 'hello' } } }),
  });

  describe('Centrifuge', () => {
    let server: CentrifugeServer;
    beforeAll(async () => {
      server = await startCentrifuge();
    });
    afterAll(() => server?.stop());

    test.each([
      // 3500 says not to come back.
      ['no JWT', () => 'not a JWT', 1, { code: 'init-dropped', closeCode: 3500 }],
      ['an expired JWT each time', () => server.jwt(-60), 2, { code: 'unauthorized' }],
    ])('%s is refused for good', async (_, getConnectionToken, upgrades, expected) => {
      const before = await server.count();
      const options = hasten(server.options(undefined, getConnectionToken), 10);
      const { failure } = await state(open(options), 'closed');
      expect(failure).toMatchObject({ stage: 'init', ...expected });
      expect((await server.count()) - before).toBe(upgrades);
    });

    test('a connection outlives its JWT', async () => {
      const states: string[] = [];
      const before = await server.count();
      // Half of its life later comes the next: the fifth is after the end of the first and its grace.
      await new Promise<void>((resolve) => {
        let asked = 0;
        const getConnectionToken = () => {
          if (++asked === 5) resolve();
          return server.jwt(2);
        };
        const socket = open(hasten(server.options(undefined, getConnectionToken)));
        socket.on('statechange', ({ status }) => states.push(status));
      });
      expect(states.at(-1)).toBe('ready');
      expect((await server.count()) - before).toBe(1);
    });

    test('a renewal that is refused ends the connection, and the next one is another', async () => {
      let isGood = true;
      const getConnectionToken = () => server.jwt(isGood ? 3600 : -60);
      const socket = open(hasten(server.options(undefined, getConnectionToken)));
      await socket.ready();
      isGood = false;
      const lost = state(socket, 'waiting');
      const renewal = socket.renew();
      await expect(renewal).rejects.toMatchObject({ code: 'unauthorized' });
      isGood = true;
      expect(await lost).toMatchObject({ failure: { stage: 'ready', code: 'unauthorized' } });
      await socket.ready();
      await exchange(socket);
    });

    test('replies that share a frame are one message each', async () => {
      const frames: string[] = [];
      class Spy extends WebSocket {
        constructor(url: string, protocols?: string[]) {
          super(url, protocols);
          this.addEventListener('message', ({ data }) => frames.push(data));
        }
      }
      const socket = open({ ...hasten(server.options()), WebSocket: Spy as any });
      await socket.ready();
      const data = [1, 2, 3, 4];
      const replies = await Promise.all(data.map((each) => ask(socket, { rpc: { data: each } })));
      expect(replies.map(({ rpc }) => rpc.data)).toEqual(data);
      expect(frames.some((frame) => frame.split('"rpc"').length > 2)).toBe(true);
    });

    test('pings are answered, and are no messages', async () => {
      const pinging = await startCentrifuge(undefined, 400);
      onTestFinished(() => pinging.stop());
      const messages: unknown[] = [];
      // One that is not answered is the end.
      await new Promise<void>((resolve) => {
        let answers = 0;
        class Spy extends WebSocket {
          override send(frame: any) {
            super.send(frame);
            if (frame === '{}' && ++answers === 3) resolve();
          }
        }
        const socket = open({ ...hasten(pinging.options()), WebSocket: Spy as any });
        socket.on('message', (reply) => messages.push(reply));
      });
      expect(messages).not.toContainEqual({});
    });
  });
} else {
  test.skip(`Centrifuge: not run, ${centrifuge.missing}`);
}
