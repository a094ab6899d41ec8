import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { openGateway } from './gateway.ts';
import { Log } from './log.ts';
import { serve } from './server.ts';

/** A server that echoes, and says how the other side closed; what has come to it, and the way there. */
async function start() {
  const seen = new Log();
  const server = await serve((server) =>
    server.on('connection', (ws, { url, headers }) => {
      seen.add({ url, protocol: ws.protocol, cookie: headers.cookie });
      ws.on('message', (frame, binary) => {
        if (String(frame) === 'close') ws.close(4001, 'as asked');
        else ws.send(frame, { binary });
      });
      ws.on('close', (code, reason) => seen.add({ code, reason: String(reason) }));
    }),
  );
  onTestFinished(server.stop);
  const gateway = await openGateway({ url: server.url, headers: { cookie: 'a=b' } });
  onTestFinished(gateway.stop);
  return { gateway, seen };
}

const next = async <T extends Event>(ws: WebSocket, type: string): Promise<T> => {
  const [event] = await once(ws, type);
  return event;
};

test('who has no token, or a spent one, is refused before there is a connection', async () => {
  const { gateway, seen } = await start();
  const token = await gateway.mint();
  for (const [query, type] of [
    ['', 'close'],
    ['?token=wrong', 'close'],
    [`?token=${token}`, 'open'],
    [`?token=${token}`, 'close'],
  ] as const) {
    const ws = new WebSocket(`${gateway.url}/${query}`);
    const event = await Promise.race([next(ws, 'open'), next(ws, 'close')]);
    expect(event.type).toBe(type);
  }
  expect(gateway.connections).toBe(0);
  expect(seen.entries).toEqual([]);
});

test('who sends another init payload never gets to the server', async () => {
  const { gateway, seen } = await start();
  const Class = gateway.createClass({
    initPayload: { type: 'jwt', token: 'wrong' },
    retry: { maxAttempts: 1 },
  });
  await next(new Class(`${gateway.url}/`), 'close');
  expect(gateway).toMatchObject({ minted: 1, upgrades: 1, connections: 0 });
  expect(seen.entries).toEqual([]);
});

test('after both stages all passes as it is: path, query, subprotocol, frames, ends', async () => {
  const { gateway, seen } = await start();
  const Class = gateway.createClass();
  const ws = new Class(`${gateway.url}/a/b?c=d`, ['one', 'two']);
  ws.binaryType = 'arraybuffer';
  await next(ws, 'open');
  expect(ws.protocol).toBe('one');
  for (const frame of ['text', new Uint8Array([1, 2]).buffer]) {
    const echo = next<MessageEvent>(ws, 'message');
    ws.send(frame);
    expect((await echo).data).toEqual(frame);
  }
  ws.send('close');
  expect(await next(ws, 'close')).toMatchObject({ code: 4001, reason: 'as asked', wasClean: true });

  const other = new Class(gateway.url);
  await next(other, 'open');
  other.close(4002, 'of the client');
  await seen.has({ code: 4002, reason: 'of the client' });
  expect(seen.entries).toEqual([
    { url: '/a/b?c=d', protocol: 'one', cookie: 'a=b' },
    { code: 4001, reason: 'as asked' },
    { url: '/', protocol: '', cookie: 'a=b' },
    { code: 4002, reason: 'of the client' },
  ]);
});
