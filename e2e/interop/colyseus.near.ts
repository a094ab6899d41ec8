import { Protocol } from '@colyseus/core';
import { decode, encode } from '@colyseus/schema';
import type { TwoStageSocket } from '@two-stage-socket/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasten, hold, message, open, state } from './contract.ts';
import { startColyseus } from './services/colyseus.ts';
import { user } from './services/jwts.ts';

/** A message of a room, whose content is a text: in msgpack that is written as the type is. */
function toFrame(type: string, text: string): Uint8Array<ArrayBuffer> {
  const bytes = [Protocol.ROOM_DATA];
  const it = { offset: 1 };
  encode.string(bytes as any, type, it);
  encode.string(bytes as any, text, it);
  return Uint8Array.from(bytes);
}

function fromFrame(frame: ArrayBuffer) {
  const bytes = new Uint8Array(frame);
  const it = { offset: 1 };
  return { code: bytes[0], type: decode.string(bytes, it), text: decode.string(bytes, it) };
}

const { ROOM_DATA: code } = Protocol;

hold({
  name: 'Colyseus',
  start: startColyseus,
  badToken: { stage: 'token', code: 'unauthorized' },
  badPayload: { stage: 'init', code: 'unauthorized' },
  expires: true,
  async exchange(socket) {
    const said = message(socket, (frame) => fromFrame(frame).type === 'said');
    socket.send(toFrame('say', 'hello'));
    expect(fromFrame(await said)).toEqual({ code, type: 'said', text: `${user}: hello` });
  },
  withAck([first]) {
    expect(fromFrame(first as ArrayBuffer)).toEqual({ code, type: 'welcome', text: user });
  },
});

describe('Colyseus', () => {
  const start = async () => {
    const server = await startColyseus();
    onTestFinished(() => server.stop());
    return server;
  };

  test('a user whom `onAuth` turns away is not asked for again', async () => {
    const server = await start();
    const socket = open(hasten(server.optionsOfNobody()));
    const { failure } = await state(socket, 'closed');
    expect(failure).toMatchObject({ stage: 'token', code: 'unauthorized', status: 401 });
    expect(server.upgrades).toBe(0);
  });

  const refusedOnce = async (socket: TwoStageSocket<any, any>) => {
    const { failure } = await state(socket, 'waiting');
    expect(failure).toMatchObject({ stage: 'init', code: 'unauthorized' });
    await socket.ready();
  };

  test('a seat that has expired is refused, and another one asked for', async () => {
    const server = await start();
    await refusedOnce(open(hasten(server.options('expired token'))));
    expect(server.upgrades).toBe(2);
  });

  test('a seat that somebody else has taken is refused, and another one asked for', async () => {
    const server = await start();
    const { getToken, ...options } = server.options();
    const seat = await getToken({ signal: new AbortController().signal } as any);
    await open({ ...options, getToken: () => seat }).ready();
    let isFirst = true;
    const getAnother = (context: any) => {
      const given = isFirst ? seat : getToken(context);
      isFirst = false;
      return given;
    };
    await refusedOnce(open(hasten({ ...options, getToken: getAnother })));
    expect(server.upgrades).toBe(3);
  });
});
