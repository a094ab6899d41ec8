import { randomUUID } from 'node:crypto';
import type { TwoStageSocket } from '@two-stage-socket/core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasten, hold, message, open, state } from './contract.ts';
import { type MosquittoServer, mosquitto, startMosquitto } from './services/mosquitto.ts';

const qos = 1;
const publish = (topic: string, payload: string) => ({
  cmd: 'publish',
  topic,
  payload,
  qos,
  messageId: 2,
});

async function subscribe(socket: TwoStageSocket<any, any>, topic: string): Promise<void> {
  const answer = message(socket, ({ cmd }) => cmd === 'suback');
  socket.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }] });
  expect((await answer).granted).toEqual([qos]);
}

async function exchange(socket: TwoStageSocket<any, any>): Promise<void> {
  await subscribe(socket, 'greetings');
  const mine = message(socket, ({ cmd }) => cmd === 'publish');
  socket.send(publish('greetings', 'Grüße'));
  const { topic, payload } = await mine;
  expect([topic, String(payload)]).toEqual(['greetings', 'Grüße']);
}

/** Joins frames, and breaks off the first byte of what that gives, or all but that. */
class Reframing extends WebSocket {
  static joined = 1;
  static breaks = false;
  readonly #held: ArrayBuffer[] = [];

  override set onmessage(listener: ((event: MessageEvent) => void) | null) {
    super.onmessage =
      listener &&
      (async ({ data }) => {
        this.#held.push(data);
        if (this.#held.length < Reframing.joined) return;
        const joined = await new Blob(this.#held.splice(0)).arrayBuffer();
        listener(new MessageEvent('message', { data: joined.slice(0, 1) }));
        if (Reframing.breaks) this.close();
        else listener(new MessageEvent('message', { data: joined.slice(1) }));
      });
  }
}

if (mosquitto.path) {
  hold({
    name: 'mosquitto',
    start: startMosquitto,
    exchange,
    badPayload: { stage: 'init', code: 'unauthorized' },
  });

  describe('mosquitto', () => {
    let server: MosquittoServer;
    beforeAll(async () => {
      server = await startMosquitto();
    });
    afterAll(() => server?.stop());

    test('what a session has missed comes behind the ack', async () => {
      const properties = { sessionExpiryInterval: 60 };
      const own = { clientId: randomUUID(), clean: false, properties };
      const socket = open(hasten(server.options(undefined, own)));
      await socket.ready();
      await subscribe(socket, 'news');
      socket.close();

      const other = open(hasten(server.options()));
      await other.ready();
      const published = ['first', 'second', 'third'];
      for (const [index, each] of published.entries()) {
        const taken = message(other, ({ cmd }) => cmd === 'puback');
        other.send({ ...publish('news', each), messageId: index + 1 });
        await taken;
      }

      const missed: string[] = [];
      const all = message(socket, ({ cmd, payload }) => {
        if (cmd === 'publish') missed.push(String(payload));
        return missed.length === published.length;
      });
      const ack = new Promise((resolve) => socket.on('ready', ({ ack }) => resolve(ack)));
      socket.connect();
      expect(await ack).toMatchObject({ sessionPresent: true });
      await all;
      expect(missed).toEqual(published);
    });

    test('packets that span frames and share them, as MQTT allows it', async () => {
      const socket = open({ ...hasten(server.options()), WebSocket: Reframing as any });
      await socket.ready();
      await subscribe(socket, 'greetings');
      Reframing.joined = 2;
      const got: string[] = [];
      const both = message(socket, ({ cmd }) => got.push(cmd) === 2);
      socket.send(publish('greetings', 'Grüße'));
      await both;
      Reframing.joined = 1;
      expect(got.sort()).toEqual(['puback', 'publish']);
    });

    test('what a lost connection left unfinished is no part of the next', async () => {
      const socket = open({ ...hasten(server.options()), WebSocket: Reframing as any });
      await socket.ready();
      const lost = state(socket, 'waiting');
      Reframing.breaks = true;
      socket.send({ cmd: 'pingreq' });
      await lost;
      Reframing.breaks = false;
      await socket.ready();
      await exchange(socket);
    });

    test('its answers to pings are no messages', async () => {
      const options = hasten(server.options());
      const messages: any[] = [];
      let answers = 0;
      await new Promise<void>((resolve) => {
        const { isPong, ...heartbeat } = options.heartbeat || {};
        const socket = open({
          ...options,
          heartbeat: {
            ...heartbeat,
            interval: 50,
            isPong(packet) {
              const is = isPong?.(packet) === true;
              if (is && ++answers === 3) resolve();
              return is;
            },
          },
        });
        onTestFinished(() => socket.close());
        socket.on('message', (packet) => messages.push(packet));
      });
      expect(messages).toEqual([]);
    });
  });
} else {
  test.skip(`mosquitto: not run, ${mosquitto.missing}`);
}
