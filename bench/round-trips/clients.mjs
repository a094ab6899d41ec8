/**
 * Who takes part. Each starts at once, fetches a token and an init payload the way its documentation has
 * it, and calls `onReady` whenever it is ready, the first time and after each loss; it returns what
 * closes it. None waits before it comes back, as far as it can be told not to.
 */
import { fetchToken, TwoStageSocket } from '@two-stage-socket/core';
import { Centrifuge } from 'centrifuge';
import { createClient } from 'graphql-ws';
import { io } from 'socket.io-client';

const askPayload = async (origin, signal) => (await fetch(`${origin}/payload`, { signal })).json();

const askToken = async (origin, query = '') => {
  const response = await fetch(`${origin}/token${query}`, { method: 'POST' });
  return (await response.json()).data.token;
};

const toSocketUrl = (origin, kind) => `${origin.replace('http', 'ws')}/socket/${kind}`;

/** The least that the two stages take. */
const byHand = (origin, onReady) => {
  let ws;
  let closed = false;
  const open = async () => {
    const payload = askPayload(origin);
    const token = await askToken(origin);
    ws = new WebSocket(`${toSocketUrl(origin, 'two-stage')}?token=${token}`);
    ws.onopen = async () => ws.send(JSON.stringify(await payload));
    ws.onmessage = onReady;
    ws.onclose = () => closed || open();
  };
  open();
  return () => {
    closed = true;
    ws.close();
  };
};

const twoStage = (query, options) => (origin, onReady) => {
  const socket = new TwoStageSocket({
    url: toSocketUrl(origin, 'two-stage'),
    getToken: fetchToken(`${origin}/token?${query}`),
    initPayload: ({ signal }) => askPayload(origin, signal),
    environment: { random: () => 0 },
    ...options,
  });
  socket.on('ready', onReady);
  socket.connect();
  return socket.close;
};

const graphql = (origin, onReady, options) => {
  const client = createClient({
    url: async () => `${toSocketUrl(origin, 'graphql')}?token=${await askToken(origin)}`,
    connectionParams: () => askPayload(origin),
    lazy: false,
    retryWait: async () => {},
    // Else it gives up: Node's WebSocket tells a loss by an `error` too, which comes first.
    shouldRetry: () => true,
    on: { connected: onReady },
    ...options,
  });
  return () => client.dispose();
};

/** With a variable between its two functions. */
const graphqlAhead = (origin, onReady) => {
  let payload;
  return graphql(origin, onReady, {
    url: async () => {
      payload = askPayload(origin);
      return `${toSocketUrl(origin, 'graphql')}?token=${await askToken(origin)}`;
    },
    connectionParams: () => payload,
  });
};

/** Has nothing that could fetch a token for its URL: both go into the first packet. */
const socketIo = (origin, onReady) => {
  const socket = io(origin, {
    path: '/socket/socketio',
    transports: ['websocket'],
    forceNew: true,
    reconnectionDelay: 1,
    auth: async (give) => {
      const [token, payload] = await Promise.all([askToken(origin), askPayload(origin)]);
      give({ token, payload });
    },
  });
  socket.on('connect', onReady);
  return () => socket.disconnect();
};

/** Sends its token in the first frame, and the same one until a server says that it has expired. */
const centrifuge = (origin, onReady) => {
  const client = new Centrifuge(toSocketUrl(origin, 'centrifuge'), {
    getToken: () => askToken(origin, '?reusable'),
    getData: () => askPayload(origin),
    minReconnectDelay: 1,
  });
  client.on('connected', onReady);
  client.connect();
  return () => client.disconnect();
};

export const clients = {
  'by hand': byHand,
  'TwoStageSocket, original wire': twoStage(''),
  'TwoStageSocket, two-stage.v1': twoStage('protocol=two-stage.v1'),
  'TwoStageSocket, prefetch': twoStage('protocol=two-stage.v1', { prefetch: true }),
  'TwoStageSocket, reusable token': twoStage('protocol=two-stage.v1&reusable'),
  'graphql-ws': graphql,
  'graphql-ws, payload asked for in `url`': graphqlAhead,
  'socket.io-client': socketIo,
  centrifuge,
};
