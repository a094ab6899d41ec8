import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type Client, Server as ColyseusServer, Room, ServerError } from '@colyseus/core';
import manifest from '@colyseus/core/package.json' with { type: 'json' };
import { WebSocketTransport } from '@colyseus/ws-transport';
import type { WebSocket } from 'ws';
import type { Server, Wrong } from '../contract.ts';
import { colyseus } from '../recipes/colyseus.ts';
import { openGate } from './gate.ts';
import { createJwts } from './jwts.ts';

/** A Colyseus server, whose seats are the tokens. */
export interface ColyseusService extends Server {
  options(wrong?: Wrong): ReturnType<typeof colyseus>;
  /** By the recipe, for a user whom `onAuth` only answers `false`. */
  optionsOfNobody(): ReturnType<typeof colyseus>;
}

const jwts = createJwts();
const nobody = 'nobody';
const password = 'open sesame';

/** Welcomes its users, and tells them what they say. */
class Chat extends Room {
  static override async onAuth(jwt: string) {
    if (jwt === nobody) return false;
    const user = await jwts.verify(jwt);
    if (!user) throw new ServerError(401, 'The JWT is bad');
    return { user };
  }
  override onCreate() {
    this.onMessage('say', (client, text) => client.send('said', `${client.auth.user}: ${text}`));
  }
  override async onJoin(client: Client, options: { password?: string }) {
    if (options.password !== password) throw new ServerError(403, 'The password is wrong');
    // What a client says before `JOIN_ROOM` is not heard, and has come by then.
    const ws = client.ref as WebSocket;
    ws.ping();
    await once(ws, 'pong');
    client.send('welcome', client.auth.user);
  }
}

export async function startColyseus(): Promise<ColyseusService> {
  const behind = createServer();
  /** By the room, what an upgrade waits for. */
  const waits = new Map<string, Promise<void>>();
  let upgrades = 0;
  const transport = new WebSocketTransport({
    server: behind,
    async beforeUpgrade(request) {
      upgrades++;
      const [, , roomId = ''] = new URL(request.url).pathname.split('/');
      await waits.get(roomId);
    },
  });
  const server = new ColyseusServer({ transport, greet: false, gracefullyShutdown: false });
  server.define('chat', Chat);
  await server.serverless();
  const gate = await openGate((http) => {
    http.on('request', (...exchange) => behind.emit('request', ...exchange));
    http.on('upgrade', (...upgrade) => behind.emit('upgrade', ...upgrade));
  });

  /** The name of a room whose first seat has expired by the time that its upgrade is looked at. */
  const defineSlow = () => {
    const name = `slow-${randomUUID()}`;
    let expire = () => {};
    const expired = new Promise<void>((resolve) => {
      expire = resolve;
    });
    let isFirst = true;
    class Slow extends Chat {
      override onCreate() {
        super.onCreate();
        if (!isFirst) return;
        isFirst = false;
        this.seatReservationTimeout = 0.1;
        waits.set(this.roomId, expired);
      }
      override onDispose() {
        expire();
      }
    }
    server.define(name, Slow);
    return name;
  };

  const options = (getAuthToken: () => string | Promise<string>, wrong?: Wrong) =>
    colyseus({
      endpoint: `http://${gate.host}`,
      roomName: wrong === 'expired token' ? defineSlow() : 'chat',
      options: { password: wrong === 'bad payload' ? 'please' : password },
      getAuthToken,
    });
  return {
    version: manifest.version,
    get upgrades() {
      return upgrades;
    },
    // What is bad about the token is what it is asked for with.
    options: (wrong) =>
      options(() => jwts.sign(wrong === 'bad token' ? 'bad payload' : undefined), wrong),
    optionsOfNobody: () => options(() => nobody),
    kill: gate.kill,
    revive: gate.revive,
    async stop() {
      await gate.kill();
      await server.gracefullyShutdown(false);
    },
  };
}
