import { createUser } from '@nats-io/nkeys';
import type { TwoStageSocket } from '@two-stage-socket/core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket as WsWebSocket } from 'ws';
import { hasten, hold, message, open, state } from './contract.ts';
import { type NatsServer, servers, startNats } from './services/nats.ts';

const text = (payload: Uint8Array) => new TextDecoder().decode(payload);
const publish = (subject: string, payload: string) =>
  `PUB ${subject} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`;

/** Publishes to itself what looks like messages of the protocol, and nothing, in one frame. */
async function exchange(socket: TwoStageSocket<any, any>): Promise<void> {
  const payload = 'Größe\r\nMSG greet 1 0\r\n\r\n';
  const got: string[][] = [];
  const both = message(socket, ({ line, payload }) => {
    if (!line.startsWith('INFO ')) got.push([line, text(payload)]);
    return got.length === 2;
  });
  socket.send(`SUB greet 1\r\n${publish('greet', payload)}${publish('greet', '')}`);
  await both;
  expect(got).toEqual([
    [`MSG greet 1 ${Buffer.byteLength(payload)}`, payload],
    ['MSG greet 1 0', ''],
  ]);
}

/** Named as browsers are, which get no more than 4096 bytes a frame. */
class Browser extends WsWebSocket {
  static frames = 0;

  constructor(url: string, protocols?: string[]) {
    super(url, protocols, { headers: { 'User-Agent': 'Mozilla/5.0' } });
    this.on('message', (frame: ArrayBuffer) => {
      Browser.frames++;
      this.onFrame(Buffer.from(frame).toString());
    });
  }

  onFrame(_frame: string): void {}
}

for (const [name, { path, missing }] of Object.entries(servers)) {
  const title = `NATS server (${name})`;
  if (path === undefined) {
    test.skip(`${title}: not run, ${missing}`);
    continue;
  }
  const start = () => startNats({ path, missing });

  hold({
    name: title,
    start,
    exchange,
    badPayload: { stage: 'init', code: 'unauthorized' },
    ...(name === 'go' && {
      withAck: ([first]: readonly unknown[]) =>
        expect(first).toEqual({ line: expect.stringMatching(/^INFO .*"connect_info":true/) }),
    }),
  });

  describe(title, () => {
    let server: NatsServer;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());

    test('an nkey signs the nonce of each connection', async () => {
      const socket = open(hasten(server.optionsWithNkey()));
      await socket.ready();
      await exchange(socket);
      socket.reconnect();
      await socket.ready();
      await exchange(socket);
    });

    test('another nkey is refused', async () => {
      const socket = open(hasten(server.optionsWithNkey(createUser())));
      const { failure } = await state(socket, 'closed');
      expect(failure).toMatchObject({ stage: 'init', code: 'unauthorized' });
    });

    test('a message that spans frames, as browsers get it', async () => {
      const payload = 'é\r\n'.repeat(5000);
      const socket = open({ ...hasten(server.options()), WebSocket: Browser as any });
      await socket.ready();
      const answer = message(socket, ({ line }) => line.startsWith('MSG'));
      Browser.frames = 0;
      socket.send(`SUB long 1\r\n${publish('long', payload)}`);
      expect(text((await answer).payload)).toBe(payload);
      expect(Browser.frames).toBeGreaterThan(1);
    });

    test('what a lost connection left unfinished is no part of the next', async () => {
      class Dropping extends Browser {
        override onFrame(frame: string) {
          if (frame.startsWith('MSG long')) this.terminate();
        }
      }
      const socket = open({ ...hasten(server.options()), WebSocket: Dropping as any });
      await socket.ready();
      const lost = state(socket, 'waiting');
      socket.send(`SUB long 1\r\n${publish('long', 'a'.repeat(500_000))}`);
      await lost;
      await socket.ready();
      await exchange(socket);
    });

    test('pings are answered, and are no messages', async () => {
      const pinging = await startNats({ path, missing }, 100);
      onTestFinished(() => pinging.stop());
      let answers = 0;
      const messages: any[] = [];
      // Two that are not answered are the end.
      await new Promise<void>((resolve) => {
        class Spy extends WebSocket {
          override send(frame: any) {
            super.send(frame);
            if (frame === 'PONG\r\n' && ++answers === 5) resolve();
          }
        }
        const socket = open({ ...hasten(pinging.options()), WebSocket: Spy as any });
        socket.on('message', (message) => messages.push(message.line));
      });
      expect(messages).not.toContain('PING');
    });
  });
}
