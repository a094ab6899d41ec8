import {
  execute,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  parse,
  subscribe,
  validate,
} from 'graphql';
import { createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { holdDrops } from './drops.ts';
import { serve } from './server.ts';

/** With a subscription that begins with which one of the server's it is, and never ends by itself. */
function createSchema(): GraphQLSchema {
  let subscriptions = 0;
  const name = { type: new GraphQLNonNull(GraphQLString) };
  return new GraphQLSchema({
    query: new GraphQLObjectType({
      name: 'Query',
      fields: {
        echo: { type: GraphQLString, args: { name }, resolve: (_, args) => args.name },
      },
    }),
    subscription: new GraphQLObjectType({
      name: 'Subscription',
      fields: {
        news: {
          type: GraphQLString,
          async *subscribe() {
            yield { news: `subscription ${subscriptions}` };
            subscriptions += 1;
            await new Promise(() => {});
          },
        },
      },
    }),
  });
}

// With functions of the module that the schema is of: Vite and Node have found two of them.
const graphql = () => ({ schema: createSchema(), execute, parse, subscribe, validate });

holdDrops({
  name: 'graphql-ws',
  refusals: 3,
  start: () => serve((server) => useServer(graphql(), server)),
  async run({ WebSocket, url, log }) {
    const client = createClient({
      url: `${url}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: Number.POSITIVE_INFINITY,
      retryWait: async () => {},
      // Else an `error` is final to it, and the platform's own WebSocket tells a loss with one, too.
      shouldRetry: () => true,
    });
    client.on('error', (error) => log.add({ error: (error as Event).type }));
    client.on('closed', (event) => {
      const { code, reason, wasClean } = event as CloseEvent;
      log.add({ code, reason, wasClean });
    });
    const isBack = () => new Promise<void>((resolve) => client.on('connected', () => resolve()));
    const first = isBack();
    client.subscribe(
      { query: 'subscription { news }' },
      {
        next: ({ data }) => log.add(data?.news),
        error: (error) => log.add({ failed: String(error) }),
        complete: () => log.add('complete'),
      },
    );
    await first;
    return {
      isBack,
      async use(drops) {
        await log.has(`subscription ${drops}`);
        const query = `{ echo(name: "echo ${drops}") }`;
        for await (const { data } of client.iterate({ query })) log.add(data?.echo);
      },
      async stop() {
        const isClosed = new Promise<void>((resolve) => client.on('closed', () => resolve()));
        await client.dispose();
        await isClosed;
      },
    };
  },
});
