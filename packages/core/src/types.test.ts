import { describe, test } from 'vitest';
import { type Codec, type Heartbeat, type Options, type Schema, TwoStageSocket } from './index.ts';
import { createWebSocket } from './websocket.ts';

type Incoming = { readonly text: string };
type Outgoing = { readonly say: string };

/** Checked by the compiler: none of it is run. */
const check = (_: () => void) => {};
const url = 'wss://chat.test';

describe('types', () => {
  test('a ping is an outgoing message or none, and isPong is asked about incoming ones', () =>
    check(() => {
      const heartbeat: Partial<Heartbeat<Incoming, Outgoing>> = {
        ping: () => ({ say: 'ping' }),
        isPong: (message) => message.text === 'pong',
      };
      new TwoStageSocket<Incoming, Outgoing>({ url, heartbeat });
      new TwoStageSocket<Incoming, Outgoing>({ url, heartbeat: { ping: () => undefined } });
      new TwoStageSocket<Incoming, Outgoing>({ url, heartbeat: false });
      // @ts-expect-error not an outgoing message
      new TwoStageSocket<Incoming, Outgoing>({ url, heartbeat: { ping: () => 'ping' } });
      new TwoStageSocket<Incoming, Outgoing>({
        url,
        // @ts-expect-error not an incoming message
        heartbeat: { isPong: (message: Outgoing) => message.say === 'pong' },
      });
      // @ts-expect-error true is no heartbeat
      new TwoStageSocket<Incoming, Outgoing>({ url, heartbeat: true });
    }));

  test('of a heartbeat flow from the codec too', () =>
    check(() => {
      const codec = {} as Codec<Incoming, Outgoing>;
      new TwoStageSocket({
        url,
        codec,
        heartbeat: { ping: () => ({ say: 'ping' }), isPong: ({ text }) => text === 'pong' },
      });
      // @ts-expect-error not an outgoing message
      new TwoStageSocket({ url, codec, heartbeat: { ping: (): string => 'ping' } });
    }));

  test('of messages flow from the schema', () =>
    check(() => {
      const schema = {} as Schema<Incoming>;
      new TwoStageSocket({ url, schema }).on('message', ({ text }) => text satisfies string);
      // @ts-expect-error not what the schema gives
      new TwoStageSocket<Outgoing>({ url, schema });
    }));

  test('need no type arguments where nothing is said of messages', () =>
    check(() => {
      new TwoStageSocket({ url, heartbeat: { ping: () => 'ping', isPong: (m) => m === 'pong' } });
      ({ url, prefetch: true, environment: { page: { online: () => true } } }) satisfies Options;
      // @ts-expect-error not a function
      ({ url, environment: { page: { visible: true } } }) satisfies Options;
    }));

  test('renew() gives a promise of nothing', () =>
    check(() => {
      new TwoStageSocket({ url }).renew() satisfies Promise<void>;
    }));

  test('the class is a WebSocket to whoever takes one', () =>
    check(() => {
      const Face: typeof WebSocket = createWebSocket({ initPayload: () => 'jwt' });
      const ws: WebSocket = new Face(url, ['graphql-transport-ws']);
      ws.onmessage = ({ data }: MessageEvent) => data;
      // @ts-expect-error the library says which
      createWebSocket({ url });
      // @ts-expect-error its subprotocols too
      createWebSocket({ protocols: ['chat'] });
      // @ts-expect-error the next instance could not have it
      createWebSocket({ prefetch: true });
    }));
});
