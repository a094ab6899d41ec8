import { createClient, type RedisClientType } from '@redis/client';
import { type Cancel, every, systemEnvironment } from './environment.ts';
import { type Log, silentLog } from './log.ts';
import { createPause, tellOfState } from './reconnect.ts';
import { reach, STORE_TIMEOUT, StoreUnavailable } from './store-unavailable.ts';

/** A client of node-redis. */
export type RedisClient = RedisClientType;

/** A connection to Redis 6.2 or newer that heals by itself and keeps nobody waiting. */
export interface Redis {
  /**
   * For libraries that want a client of node-redis; the same one for the life of the connection.
   * Its commands wait for an answer without a limit: use `run` for one's own.
   */
  readonly client: RedisClient;
  /** Whether commands can be sent at the moment. */
  readonly up: boolean;
  /**
   * Does something with the client, in `timeout` ms or less.
   *
   * @throws {StoreUnavailable} at once while Redis is down; if it fails; or if it takes too long,
   *   and then it may still happen
   */
  run<T>(operation: (client: RedisClient) => Promise<T>): Promise<T>;
  /**
   * Hears what is published on a channel, from now on or as soon as Redis is up, until cancelled.
   * What is published while the connection is down is lost. What a listener throws is logged.
   */
  subscribe(channel: string, listener: (message: string) => void): Cancel;
  /**
   * Calls back each time that Redis comes up, until cancelled: what subscriptions bring was lost
   * until then. They are in place for commands that are sent from here on.
   */
  onUp(listener: () => void): Cancel;
  /** Asks Redis for a sign of life. @throws {StoreUnavailable} like `run` */
  check(): Promise<void>;
  /** Lets what was sent finish, in `timeout` ms at most, and disconnects for good. Never throws. */
  close(): Promise<void>;
}

/** What may be chosen about a connection. */
export interface RedisOptions {
  /** Hears once that Redis is up or down, not of every attempt. Default: silence. */
  readonly log?: Log;
  /**
   * ms that connecting, greeting, or a command may take, and between two signs of life. Default:
   * `STORE_TIMEOUT`.
   */
  readonly timeout?: number;
}

/** Delays in ms between attempts to connect: they double, and half of each is random. */
const RECONNECT = { least: 100, most: 2000 };

/**
 * Connects to `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS, in the
 * background, and again whenever the connection is lost.
 *
 * @throws {TypeError} for anything else; without quoting it, as it may hold a password
 */
export function connectRedis(url: string, options: RedisOptions = {}): Redis {
  const { log = silentLog, timeout = STORE_TIMEOUT } = options;
  const client = createRedisClient(url, timeout);
  const channels = new Map<string, Set<(message: string) => void>>();
  const upListeners = new Set<() => void>();
  let closed = false;
  const tellState = tellOfState('Redis', log);
  const pause = createPause();
  let lost: (error?: unknown) => void = () => {};
  let cancelGreeting: Cancel = () => {};

  function tell(up: boolean, error?: unknown): void {
    if (!closed) tellState(up, error);
  }

  const run: Redis['run'] = (operation) =>
    reach('Redis', timeout, async () => {
      // Some of the client's commands would wait for the next connection.
      if (!client.isReady) throw new StoreUnavailable('Redis', 'DISCONNECTED');
      return operation(client);
    });

  async function check(): Promise<void> {
    await run(() => client.ping());
  }

  // The client would take what a listener throws for a fault of the connection's.
  function call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      log.error({ error }, 'a listener of Redis failed');
    }
  }

  function dispatch(message: string, channel: string): void {
    for (const listener of channels.get(channel) ?? []) call(() => listener(message));
  }

  function listen(channel: string): void {
    // If it fails, so has the connection, and the next one begins with it.
    client.subscribe(channel, dispatch).catch(() => {});
  }

  // A connection that fails says so at its `terminated`; unheard, `error` would end the process.
  client.on('error', () => {});
  client.on('terminated', (error) => lost(error));
  client.on('end', () => lost());
  // A frozen Redis accepts connections, but never says hello; the client waits for it for ever.
  client.on('connect', () => {
    cancelGreeting = systemEnvironment.after(timeout, () => client.destroy());
    if (closed) client.destroy();
  });

  /** Connects once. Resolves with why the connection was lost, or rejects if there was none. */
  async function connection(): Promise<unknown> {
    const end = new Promise<unknown>((resolve) => {
      lost = resolve;
    });
    try {
      await client.connect();
    } finally {
      cancelGreeting();
    }
    tell(true);
    for (const channel of channels.keys()) listen(channel);
    for (const listener of upListeners) call(listener);
    const cancelBeat = every(systemEnvironment, timeout, () => {
      check().catch((error) => {
        lost(error);
        client.destroy();
      });
    });
    return end.finally(cancelBeat);
  }

  async function keepConnected(): Promise<void> {
    let delay = RECONNECT.least;
    while (!closed) {
      await connection().then(
        (error) => {
          delay = RECONNECT.least;
          tell(false, error);
        },
        (error) => tell(false, error),
      );
      if (closed) return;
      await pause.take(delay * (0.5 + systemEnvironment.random() / 2));
      delay = Math.min(delay * 2, RECONNECT.most);
    }
  }

  void keepConnected();

  return {
    client,
    get up() {
      return client.isReady;
    },
    run,
    subscribe(channel, listener) {
      const listeners = channels.get(channel) ?? new Set();
      listeners.add(listener);
      if (!channels.has(channel)) {
        channels.set(channel, listeners);
        if (client.isReady) listen(channel);
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0 || channels.get(channel) !== listeners) return;
        channels.delete(channel);
        if (client.isReady) client.unsubscribe(channel, dispatch).catch(() => {});
      };
    },
    onUp(listener) {
      upListeners.add(listener);
      return () => upListeners.delete(listener);
    },
    check,
    async close() {
      if (closed) return;
      closed = true;
      pause.cut();
      if (client.isReady) await reach('Redis', timeout, () => client.close()).catch(() => {});
      client.destroy();
    },
  };
}

function createRedisClient(url: string, timeout: number): RedisClient {
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol)) {
    throw new TypeError('Not an address of Redis: expected redis://… or rediss://…');
  }
  return createClient({
    url,
    disableOfflineQueue: true,
    commandOptions: { timeout },
    maintNotifications: 'disabled',
    // The client's own ways to reconnect give no bound to the greeting after the connection.
    socket: { connectTimeout: timeout, reconnectStrategy: false },
  });
}
