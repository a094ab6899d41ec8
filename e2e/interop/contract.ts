import {
  type Options,
  type State,
  type TwoStageError,
  TwoStageSocket,
} from '@two-stage-socket/core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

/** Which credential is not good: the first token has expired, or all are wrong. */
export type Wrong = 'expired token' | 'bad token' | 'bad payload';

/** A server that runs, and what one of its users needs. */
export interface Server {
  /** As the server or its package tells it. */
  readonly version: string;
  /** The upgrades that it has been asked for, those it refused included; `undefined` where it cannot tell. */
  readonly upgrades?: number | undefined;
  /** By the recipe and nothing else, for a user of this server. */
  options(wrong?: Wrong): Options<any, any>;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again where it was. */
  revive(): Promise<void>;
  stop(): Promise<void>;
}

/** What is expected of one service through its recipe. */
export interface Service<S extends Server = Server> {
  readonly name: string;
  start(): Promise<S>;
  /** Something only an authenticated connection gets: fails where it does not come. */
  exchange(socket: TwoStageSocket<any, any>, server: S): Promise<void>;
  /** How a token ends that is not good, where the service has a token stage. */
  readonly badToken?: Pick<TwoStageError, 'stage' | 'code'>;
  /** How a payload ends that is not good, where the service has an init stage. */
  readonly badPayload?: Pick<TwoStageError, 'stage' | 'code'>;
  /** Whether credentials of either stage expire. */
  readonly expires?: boolean;
  /** Resolves once the server has taken new credentials on a connection that it had; where it can do that. */
  renew?(socket: TwoStageSocket<any, any>, server: S): Promise<void>;
  /** What comes right behind the ack, or in its frame: looked for in all that came. */
  withAck?(messages: readonly unknown[]): void;
}

/** Two tries are what a refusal may cost: one, and one with fresh credentials. */
const tries = 2;

/** As the recipe says, but sooner, and not for ever. */
export function hasten(options: Options<any, any>, maxAttempts = tries): Options<any, any> {
  const retry = { ...options.retry, initialDelay: 50, minDelay: 10, maxDelay: 500, maxAttempts };
  return { ...options, retry };
}

/** As the recipe says, but with a heartbeat every so many ms. */
export function atPace(options: Options<any, any>, interval: number): Options<any, any> {
  const heartbeat = { ...(options.heartbeat || {}), interval, timeout: interval };
  return { ...options, heartbeat };
}

/** A socket that is closed after the test. */
export function open(options: Options<any, any>): TwoStageSocket<any, any> {
  const socket = new TwoStageSocket<any, any>(options);
  onTestFinished(() => socket.close());
  socket.connect();
  return socket;
}

/** The next state of this status, or the present one. */
export function state<T extends State['status']>(
  socket: TwoStageSocket<any, any>,
  status: T,
): Promise<Extract<State, { status: T }>> {
  return new Promise((resolve) => {
    const look = () => {
      const now = socket.getSnapshot();
      if (now.status !== status) return;
      off();
      resolve(now as Extract<State, { status: T }>);
    };
    const off = socket.subscribe(look);
    look();
  });
}

/** The next message that `isWanted`. */
export function message(
  socket: TwoStageSocket<any, any>,
  isWanted: (message: any) => boolean,
): Promise<any> {
  return new Promise((resolve) => {
    const off = socket.on('message', (given) => {
      if (!isWanted(given)) return;
      off();
      resolve(given);
    });
  });
}

/** Holds a real server and its recipe to what the table says of them. */
export function hold<S extends Server>(service: Service<S>): void {
  describe(service.name, () => {
    let server: S;
    beforeAll(async () => {
      server = await service.start();
    });
    afterAll(() => server?.stop());

    /** Ends in `closed`; how, and after how many upgrades. */
    const fate = async (wrong: Wrong) => {
      const before = server.upgrades ?? 0;
      const socket = open(hasten(server.options(wrong)));
      const { failure } = await state(socket, 'closed');
      expect((server.upgrades ?? 0) - before).toBeLessThanOrEqual(tries);
      return failure;
    };

    test('ready', async ({ task }) => {
      Object.assign(task.meta, { version: server.version });
      const socket = open(hasten(server.options()));
      await socket.ready();
      await service.exchange(socket, server);
    });

    const { badToken, badPayload, renew, withAck } = service;
    if (badToken) {
      test('a bad token', async () => {
        expect(await fate('bad token')).toMatchObject(badToken);
      });
    }
    if (service.expires) {
      test('an expired token is refreshed', async () => {
        const before = server.upgrades ?? 0;
        const socket = open(hasten(server.options('expired token')));
        await socket.ready();
        if (server.upgrades !== undefined) expect(server.upgrades - before).toBe(tries);
        await service.exchange(socket, server);
      });
    }
    if (badPayload) {
      test('a bad payload', async () => {
        expect(await fate('bad payload')).toMatchObject(badPayload);
      });
    }
    if (renew) {
      test('renewal', async () => {
        const socket = open(hasten(server.options()));
        await socket.ready();
        await renew(socket, server);
        await service.exchange(socket, server);
      });
    }
    if (withAck) {
      test('nothing that comes with the ack is lost', async () => {
        const messages: unknown[] = [];
        const socket = new TwoStageSocket<any, any>(hasten(server.options()));
        onTestFinished(() => socket.close());
        socket.on('message', (message) => messages.push(message));
        socket.connect();
        await socket.ready();
        await service.exchange(socket, server);
        withAck(messages);
      });
    }
    test('killed and started again', async () => {
      const socket = open(hasten(server.options(), Number.POSITIVE_INFINITY));
      await socket.ready();
      const lost = state(socket, 'waiting');
      await server.kill();
      expect(await lost).toMatchObject({ failure: { stage: 'ready' } });
      await server.revive();
      await socket.ready();
      await service.exchange(socket, server);
    });
  });
}
