import { buildSchema, execute, parse, subscribe, validate } from 'graphql';
import type { ServerOptions } from 'graphql-ws';
import manifest from 'graphql-ws/package.json' with { type: 'json' };
import { type Extra, useServer } from 'graphql-ws/use/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Server } from '../contract.ts';
import { graphqlWs } from '../recipes/graphql-ws.ts';
import { openGate } from './gate.ts';
import { createJwts } from './jwts.ts';

/** What a graphql-ws server asks its app. */
export type Hooks = ServerOptions<Record<string, unknown>, Extra>;

/** A graphql-ws server with a query and a subscription, behind our gate. */
export interface GraphqlWsServer extends Server {
  /** The connections that are open. */
  readonly clients: ReadonlySet<WebSocket>;
}

const schema = buildSchema(`
  type Query { user: String }
  type Subscription { countdown(from: Int!): Int }
`);

const roots = {
  query: { user: (_: unknown, { user }: { user: string }) => user },
  subscription: {
    async *countdown({ from }: { from: number }) {
      for (let countdown = from; countdown > 0; countdown--) yield { countdown };
    },
  },
};

const unauthorized = 'HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n';

/** @param hooks of the server, instead of those that let every good JWT in */
export async function startGraphqlWs(hooks: Hooks = {}): Promise<GraphqlWsServer> {
  const jwts = createJwts();
  const users = new WeakMap<WebSocket, string>();
  const wss = new WebSocketServer({ noServer: true });
  const gate = await openGate((http) =>
    http.on('upgrade', (request, tcp, head) => {
      if (!gate.admits(request)) return tcp.end(unauthorized);
      wss.handleUpgrade(request, tcp, head, (ws) => wss.emit('connection', ws, request));
    }),
  );

  const server = useServer(
    {
      schema,
      roots,
      // Beside a schema of the same module: Vite and Node have found two of them.
      ...{ execute, parse, subscribe, validate },
      context: ({ extra }) => ({ user: users.get(extra.socket) }),
      async onConnect({ connectionParams, extra }) {
        const user = await jwts.verify(connectionParams?.token);
        if (user) users.set(extra.socket, user);
        return user !== undefined;
      },
      ...hooks,
    },
    wss,
  );

  return {
    version: manifest.version,
    clients: wss.clients,
    get upgrades() {
      return gate.upgrades;
    },
    options: (wrong) =>
      graphqlWs({
        url: `ws://${gate.host}/graphql`,
        getToken: gate.tokens(wrong),
        getJwt: () => jwts.sign(wrong),
      }),
    kill: gate.kill,
    revive: gate.revive,
    async stop() {
      await gate.kill();
      await server.dispose();
    },
  };
}
