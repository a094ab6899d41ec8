/**
 * Who takes part. Each starts at once, as its defaults have it, fetches a token and sends an init
 * payload the way its documentation does it, and comes back for as long as it likes. It returns what
 * closes it, ours also what it is doing.
 */
import { fetchToken, TwoStageSocket } from '@two-stage-socket/core';
import { Centrifuge } from 'centrifuge';
import { createClient } from 'graphql-ws';
import PartySocket from 'partysocket/ws';
import ReconnectingWebSocket from 'reconnecting-websocket';
import { io } from 'socket.io-client';

const payload = { type: 'jwt', token: 'bench' };

const askToken = async (origin, path) => {
  const response = await fetch(`${origin}/token${path}`, { method: 'POST' });
  return (await response.json()).data.token;
};

const toSocketUrl = (origin, path) => `${origin.replace('http', 'ws')}${path}`;

const twoStage = (origin, path) => {
  const socket = new TwoStageSocket({
    url: toSocketUrl(origin, path),
    getToken: fetchToken(`${origin}/token${path}`),
    initPayload: payload,
  });
  socket.connect();
  return { close: socket.close, getState: socket.getSnapshot };
};

const graphql = (origin, path) => {
  const client = createClient({
    url: async () => `${toSocketUrl(origin, path)}?token=${await askToken(origin, path)}`,
    connectionParams: payload,
    lazy: false,
    // That it has given up is seen by its connections.
    onNonLazyError: () => {},
  });
  return { close: () => client.dispose() };
};

/** Sends its token in the first frame, and the same one until a server says that it has expired. */
const centrifuge = (origin, path) => {
  const client = new Centrifuge(toSocketUrl(origin, path), {
    getToken: () => askToken(origin, path),
    data: payload,
  });
  client.connect();
  return { close: () => client.disconnect() };
};

/** Has nothing that could fetch a token for its URL. */
const socketIo = (origin, path) => {
  const socket = io(origin, {
    path,
    transports: ['websocket'],
    forceNew: true,
    auth: async (give) => give({ token: await askToken(origin, path), payload }),
  });
  return { close: () => socket.disconnect() };
};

/** Knows of no ack. */
const plain = (Socket) => (origin, path) => {
  const socket = new Socket(
    async () => `${toSocketUrl(origin, path)}?token=${await askToken(origin, path)}`,
  );
  socket.addEventListener('open', () => socket.send(JSON.stringify(payload)));
  return { close: () => socket.close() };
};

/** By the kind of the server that each needs. */
export const clients = {
  TwoStageSocket: { kind: 'two-stage', start: twoStage },
  'graphql-ws': { kind: 'graphql', start: graphql },
  centrifuge: { kind: 'centrifuge', start: centrifuge },
  'socket.io-client': { kind: 'socketio', start: socketIo },
  partysocket: { kind: 'two-stage', start: plain(PartySocket) },
  'reconnecting-websocket': { kind: 'two-stage', start: plain(ReconnectingWebSocket) },
};
