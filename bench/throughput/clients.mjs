/**
 * Who takes part. Each opens a connection, goes through the init stage, and hands every message after
 * the ack to `onMessage` as a parsed object; it resolves, once acknowledged, with the function that
 * asks for a stream.
 */
import { TwoStageSocket } from '@two-stage-socket/core';
import PartySocket from 'partysocket/ws';
import ReconnectingWebSocket from 'reconnecting-websocket';

const v1 = 'two-stage.v1';
const init = '{"type":"jwt","token":"bench"}';

/** By hand, what an app on the original wire writes: a flag for the ack, then `JSON.parse`. */
const byHand = (create) => (url, onMessage) =>
  new Promise((resolve) => {
    const ws = create(url);
    let ready = false;
    ws.addEventListener('open', () => ws.send(init));
    ws.addEventListener('message', ({ data }) => {
      if (ready) return onMessage(JSON.parse(data));
      ready = true;
      resolve(() => ws.send('go'));
    });
  });

/** The same on `two-stage.v1`: every frame has a type, and the application's are in an envelope. */
const byHandV1 = (url, onMessage) =>
  new Promise((resolve) => {
    const ws = new WebSocket(url, v1);
    ws.addEventListener('open', () => ws.send(init));
    ws.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === 'message') onMessage(frame.data);
      else if (frame.type === 'ready') resolve(() => ws.send('{"type":"message","data":"go"}'));
    });
  });

const twoStage = (protocols) => async (url, onMessage) => {
  const socket = new TwoStageSocket({
    url,
    protocols,
    getToken: () => 'bench',
    initPayload: { type: 'jwt', token: 'bench' },
  });
  socket.on('message', onMessage);
  socket.connect();
  await socket.ready();
  return () => socket.send('go');
};

export const clients = {
  'bare WebSocket, original wire': byHand((url) => new WebSocket(url)),
  'TwoStageSocket, original wire': twoStage([]),
  'bare WebSocket, two-stage.v1': byHandV1,
  'TwoStageSocket, two-stage.v1': twoStage([v1]),
  'reconnecting-websocket': byHand((url) => new ReconnectingWebSocket(url)),
  partysocket: byHand((url) => new PartySocket(url)),
};
