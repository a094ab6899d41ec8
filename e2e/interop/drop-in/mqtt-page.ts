import { createWebSocket, type WebSocketOptions } from '@two-stage-socket/core/websocket';
import mqtt from 'mqtt';

declare global {
  /** What the test gives to this page. */
  interface Window {
    /** Logs what the user of this page sees. */
    see(entry: unknown): Promise<void>;
    getToken(): Promise<string>;
    initPayload(): Promise<object>;
  }
}

/** How this page connects. */
export interface Setup {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** For the drop-in class; none where it is the browser's own. */
  readonly dropIn: Pick<WebSocketOptions, 'retry'> | undefined;
}

const topic = 'news';

/** Resolves once the messages of the topic come. */
export async function connect({ url, dropIn, ...user }: Setup) {
  const { see, getToken, initPayload } = window;
  const Class = dropIn ? createWebSocket({ ...dropIn, getToken, initPayload }) : WebSocket;
  const client = mqtt.connect(url, {
    ...user,
    createWebsocket: (href, protocols) => new Class(href, protocols),
    // What is published while this page is away is for it, too.
    clean: false,
    clientId: 'page',
    reconnectPeriod: 50,
  });
  let connections = 0;
  let losses = 0;
  client.on('connect', ({ sessionPresent }) => see({ connected: connections++, sessionPresent }));
  client.on('close', () => {
    see('closed');
    if (!client.disconnecting) publish(`published while away ${++losses}`);
  });
  client.on('error', ({ message }) => see({ error: message }));
  client.on('message', (_, payload) => see(String(payload)));
  await client.subscribeAsync(topic, { qos: 1 });

  const publish = async (text: string) => void (await client.publishAsync(topic, text, { qos: 1 }));
  return {
    publish,
    /** Resolves once the server has what was sent until now: also that a message has come. */
    flush: async () => void (await client.publishAsync('flush', '', { qos: 1 })),
    end: () => client.endAsync(),
  };
}

Object.assign(window, { connect });
