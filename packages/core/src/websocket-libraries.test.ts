import { Centrifuge } from 'centrifuge';
import {
  execute,
  GraphQLInt,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  subscribe,
  validate,
} from 'graphql';
import { createClient, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer } from 'graphql-ws';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket as Native } from 'ws';
import { originalAck } from './testing/fakes.test.util.ts';
import { openGate } from './testing/gate.test.util.ts';
import type { WebSocketConstructor } from './types.ts';
import { createWebSocket, type WebSocketOptions } from './websocket.ts';

/** A server of the pattern, in front of whatever `serve` is. */
async function guard(subprotocol: string, serve: (ws: Native) => void) {
  const { host, connections, mint, close } = await openGate({
    handleProtocols: (offered) => offered.has(subprotocol) && subprotocol,
    onConnection(ws) {
      ws.once('message', (frame) => {
        if (String(frame) !== 'jwt') return ws.terminate();
        serve(ws);
        ws.send(originalAck);
      });
    },
  });
  onTestFinished(close);
  return {
    url: `ws://${host}/`,
    connections,
    createClass: (options: WebSocketOptions = {}) =>
      createWebSocket({
        getToken: mint,
        initPayload: 'jwt',
        WebSocket: Native as unknown as WebSocketConstructor,
        ...options,
      }),
  };
}

const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: { hello: { type: GraphQLString, resolve: () => 'world' } },
  }),
  subscription: new GraphQLObjectType({
    name: 'Subscription',
    fields: {
      count: {
        type: GraphQLInt,
        async *subscribe() {
          for (const count of [1, 2, 3]) yield { count };
        },
      },
    },
  }),
});

/** With functions of the module that the schema is of: Vite and Node have found two of them. */
const graphql = makeServer({ schema, execute, subscribe, validate });

const guardGraphql = () =>
  guard(GRAPHQL_TRANSPORT_WS_PROTOCOL, (ws) => {
    const closed = graphql.opened(
      {
        protocol: ws.protocol,
        send: (text) => ws.send(text),
        close: (code, reason) => ws.close(code, reason),
        onMessage: (told) => ws.on('message', (frame) => told(String(frame))),
      },
      {},
    );
    ws.on('close', (code, reason) => closed(code, String(reason)));
  });

test('graphql-ws asks, subscribes, and comes back with a fresh token when the connection is lost', async () => {
  const server = await guardGraphql();
  const client = createClient({
    url: server.url,
    webSocketImpl: server.createClass(),
    lazy: false,
    retryWait: async () => {},
  });
  onTestFinished(() => client.dispose());
  const ask = async (query: string) => {
    const answers: unknown[] = [];
    for await (const { data } of client.iterate({ query })) answers.push(data);
    return answers;
  };
  expect(await ask('{ hello }')).toEqual([{ hello: 'world' }]);
  expect(await ask('subscription { count }')).toEqual([{ count: 1 }, { count: 2 }, { count: 3 }]);
  const isBack = new Promise((resolve) => client.on('connected', resolve));
  server.connections[0]?.terminate();
  await isBack;
  expect(await ask('{ hello }')).toEqual([{ hello: 'world' }]);
  expect(server.connections).toHaveLength(2);
});

test('graphql-ws comes back, too, where its page was put away', async () => {
  const server = await guardGraphql();
  let putAway = () => {};
  const client = createClient({
    url: server.url,
    webSocketImpl: server.createClass({
      environment: {
        page: {
          on(event, listener) {
            if (event === 'pagehide') putAway = listener;
            return () => {};
          },
        },
      },
    }),
    lazy: false,
    retryWait: async () => {},
  });
  onTestFinished(() => client.dispose());
  await new Promise((resolve) => client.on('connected', resolve));
  const isBack = new Promise((resolve) => client.on('connected', resolve));
  putAway();
  await isBack;
  expect(server.connections).toHaveLength(2);
});

test('centrifuge connects, and comes back with a fresh token when the connection is lost', async () => {
  const server = await guard('', (ws) =>
    ws.on('message', (frame) => {
      const { id, connect } = JSON.parse(String(frame));
      if (connect) ws.send(JSON.stringify({ id, connect: { client: 'ada', version: '' } }));
    }),
  );
  const client = new Centrifuge(server.url, {
    websocket: server.createClass(),
    minReconnectDelay: 1,
  });
  onTestFinished(() => client.disconnect());
  const connected = () => new Promise((resolve) => client.once('connected', resolve));
  const first = connected();
  client.connect();
  expect(await first).toMatchObject({ client: 'ada', transport: 'websocket' });
  const second = connected();
  server.connections[0]?.terminate();
  await second;
  expect(server.connections).toHaveLength(2);
});
