import type { TwoStageSocket } from '@two-stage-socket/core';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import * as sync from 'y-protocols/sync';
import { Doc } from 'yjs';
import { hasten, hold, message, open, state } from './contract.ts';
import { beginning, type HocuspocusService, name, startHocuspocus } from './services/hocuspocus.ts';

const type = { sync: 0, awareness: 1, auth: 2, syncReply: 4 };

function toFrame(write: (encoder: encoding.Encoder) => void) {
  return encoding.encode((encoder) => {
    encoding.writeVarString(encoder, name);
    encoding.writeVarUint(encoder, type.sync);
    write(encoder);
  });
}

/** What a frame is about, and what follows. */
function fromFrame(frame: ArrayBuffer) {
  const decoder = decoding.createDecoder(new Uint8Array(frame));
  const about = decoding.readVarString(decoder);
  return { about, type: decoding.readVarUint(decoder), decoder };
}

/** The document as a client has it, once it has what the server has. */
async function share(socket: TwoStageSocket<any, any>) {
  const doc = new Doc();
  socket.on('message', (frame) => {
    const given = fromFrame(frame);
    if (given.type !== type.sync && given.type !== type.syncReply) return;
    const answer = toFrame((encoder) => sync.readSyncMessage(given.decoder, encoder, doc, socket));
    if (answer.length > toFrame(() => {}).length) socket.send(answer);
  });
  doc.on('update', (update, origin) => {
    if (origin !== socket) socket.send(toFrame((encoder) => sync.writeUpdate(encoder, update)));
  });
  const shared = new Promise((resolve) => doc.once('update', resolve));
  socket.send(toFrame((encoder) => sync.writeSyncStep1(encoder, doc)));
  await shared;
  return doc.getText();
}

hold<HocuspocusService>({
  name: 'Hocuspocus',
  start: startHocuspocus,
  badToken: { stage: 'connect', code: 'connect-failed' },
  badPayload: { stage: 'init', code: 'unauthorized' },
  expires: true,
  async exchange(socket, server) {
    const text = await share(socket);
    expect(text.toString()).toContain(beginning);
    const other = open(hasten(server.options()));
    await other.ready();
    const theirs = await share(other);
    const changed = new Promise<void>((resolve) => text.observe(() => resolve()));
    theirs.insert(theirs.length, ' hello');
    await changed;
    expect(text.toString()).toBe(theirs.toString());
    other.close();
  },
  async renew(socket, server) {
    const { upgrades, renewals } = server;
    await socket.renew();
    expect(server).toMatchObject({ upgrades, renewals: renewals + 1 });
  },
  withAck: ([first]) =>
    expect(fromFrame(first as ArrayBuffer)).toMatchObject({ about: name, type: type.awareness }),
});

describe('Hocuspocus', () => {
  const start = async () => {
    const server = await startHocuspocus();
    onTestFinished(() => server.stop());
    return server;
  };

  test('a token is renewed before it ends', async () => {
    const server = await start();
    let asked = 0;
    let onRenewal = () => {};
    const renewing = new Promise<void>((resolve) => {
      onRenewal = resolve;
    });
    const getAuthToken = () => {
      if (asked++) onRenewal();
      return server.sign();
    };
    const socket = open(hasten(server.optionsWith({ getAuthToken, authTokenLifetime: 2000 })));
    await socket.ready();
    await renewing;
    await socket.renew();
    expect(server).toMatchObject({ upgrades: 1, renewals: 1 });
  });

  test('the server asks for a token', async () => {
    const server = await start();
    const socket = open(hasten(server.options()));
    await socket.ready();
    const request = message(socket, (frame) => fromFrame(frame).type === type.auth);
    server.requestTokens();
    await request;
    await socket.renew();
    expect(server).toMatchObject({ upgrades: 1, renewals: 1 });
  });

  test('a bad token at renewal ends the connection', async () => {
    vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => void vi.restoreAllMocks());
    const server = await start();
    let asked = 0;
    const getAuthToken = () => server.sign(asked++ ? 'bad payload' : undefined);
    const socket = open(hasten(server.optionsWith({ getAuthToken })));
    await socket.ready();
    const lost = state(socket, 'waiting');
    await expect(socket.renew()).rejects.toMatchObject({ code: 'unauthorized' });
    expect(await lost).toMatchObject({ failure: { stage: 'ready', code: 'unauthorized' } });
    expect(await state(socket, 'closed')).toMatchObject({
      failure: { stage: 'init', code: 'unauthorized' },
    });
  });
});
